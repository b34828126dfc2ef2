"""The winner's learning curves over the folds, and the refit's; or those of all repeats. Pure."""

import statistics
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from search.training.history import History
from search.tuning.records import StudyRecord, TrialRecord


class Curves(NamedTuple):
    """Accuracy (fractions) and loss (nats), one value per epoch.

    `drops` are the epochs (counted from 1) after which a plateau schedule lowered the rate.
    """

    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    drops: tuple[int, ...] = ()


class LearningCurvesInfo(NamedTuple):
    """Validation curves of one training each and their mean, and the mean of training curves.

    The trainings are the winner's folds, or, as `repeats`, all those of a baseline that is trained
    as in the hand-tuned report. `refit` is None where there is none (yet), `best_epoch` where the
    last epoch counts. `drops` are those of the median rate, which a refit replays; with
    repeats, whose rates fall independently, each curve has its own instead.
    """

    trial: int
    repeats: bool
    parts: tuple[Curves, ...]
    mean: Curves
    training: Curves
    refit: Curves | None
    best_epoch: int | None
    drops: tuple[int, ...]


def learning_curves_info(record: StudyRecord) -> LearningCurvesInfo | None:
    """Return the curves, or None where nothing has won or no epoch is stored."""
    winner = record.winner()
    if winner is None or winner.best_epoch is None or not winner.history.epochs:
        return None
    protocol = record.recipe.protocol
    history = winner.history if protocol.refits else _side_by_side(record.complete())
    repeats = not protocol.refits and history.n_folds() > 1
    steps = _has_plateaus(winner)
    return LearningCurvesInfo(
        trial=winner.number,
        repeats=repeats,
        parts=tuple(_part(history, i, marked=repeats and steps) for i in range(history.n_folds())),
        mean=Curves(tuple(history.mean_curve("accuracy")), tuple(history.mean_curve("loss"))),
        training=_training_curves(history),
        refit=None if record.refit is None else _training_curves(record.refit.history),
        best_epoch=None if protocol.scores_last_epoch else winner.best_epoch,
        drops=_drops(history.learning_rates()) if steps and not repeats else (),
    )


def _side_by_side(trials: Sequence[TrialRecord]) -> History:
    """Return equally long trainings of one fold each as one history, as if they were folds."""
    epochs = zip(*(trial.history.epochs for trial in trials), strict=True)
    return History(tuple(tuple(chain.from_iterable(epoch)) for epoch in epochs))


def _part(history: History, fold: int, *, marked: bool) -> Curves:
    rates = [folds[fold].learning_rate for folds in history.epochs]
    return Curves(
        accuracy=tuple(history.fold_curves("accuracy")[fold]),
        loss=tuple(history.fold_curves("loss")[fold]),
        drops=_drops(rates) if marked else (),
    )


def _training_curves(history: History) -> Curves:
    return Curves(
        tuple(statistics.fmean(f.train_accuracy for f in folds) for folds in history.epochs),
        tuple(statistics.fmean(f.train_loss for f in folds) for folds in history.epochs),
    )


def _has_plateaus(trial: TrialRecord) -> bool:
    # A cosine falls at every step, so that only a plateau's drops are worth a mark.
    return trial.candidate is not None and trial.candidate.schedule.name == "plateau"


def _drops(rates: Sequence[float]) -> tuple[int, ...]:
    return tuple(epoch for epoch, (old, new) in enumerate(pairwise(rates), start=1) if new < old)
