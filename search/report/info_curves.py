"""The winner's learning curves over the folds, and the refit's. Pure."""

import statistics
from itertools import pairwise
from typing import NamedTuple

from search.study.records import StudyRecord, TrialRecord
from search.training.history import History


class Curves(NamedTuple):
    """Accuracy (fractions) and loss (nats), one value per epoch."""

    accuracy: tuple[float, ...]
    loss: tuple[float, ...]


class LearningCurvesInfo(NamedTuple):
    """The winner's validation curves (each fold and their mean) and training curves.

    `training` is the mean over folds; `refit` is None before the refit. `drops` are the epochs
    (counted from 1) that begin at a lower rate than the one before, under a plateau schedule.
    """

    trial: int
    folds: tuple[Curves, ...]
    mean: Curves
    training: Curves
    refit: Curves | None
    best_epoch: int
    drops: tuple[int, ...]


def learning_curves_info(record: StudyRecord) -> LearningCurvesInfo | None:
    """Return the winner's curves, or None where nothing has won or no epoch is stored."""
    winner = record.winner()
    if winner is None or winner.best_epoch is None or not winner.history.epochs:
        return None
    history = winner.history
    return LearningCurvesInfo(
        trial=winner.number,
        folds=_fold_curves(history),
        mean=Curves(tuple(history.mean_curve("accuracy")), tuple(history.mean_curve("loss"))),
        training=_training_curves(history),
        refit=None if record.refit is None else _training_curves(record.refit.history),
        best_epoch=winner.best_epoch,
        drops=_drops(winner),
    )


def _fold_curves(history: History) -> tuple[Curves, ...]:
    accuracy = [history.fold_scores(i + 1, "accuracy") for i in range(len(history.epochs))]
    loss = [history.fold_scores(i + 1, "loss") for i in range(len(history.epochs))]
    return tuple(
        Curves(a, b)
        for a, b in zip(zip(*accuracy, strict=True), zip(*loss, strict=True), strict=True)
    )


def _training_curves(history: History) -> Curves:
    return Curves(
        tuple(statistics.fmean(f.train_accuracy for f in folds) for folds in history.epochs),
        tuple(statistics.fmean(f.train_loss for f in folds) for folds in history.epochs),
    )


def _drops(trial: TrialRecord) -> tuple[int, ...]:
    # A cosine falls at every step, so that only a plateau's drops are worth a mark.
    if trial.candidate is None or trial.candidate.schedule.name != "plateau":
        return ()
    rates = pairwise(trial.history.learning_rates())
    return tuple(epoch for epoch, (old, new) in enumerate(rates, start=2) if new < old)
