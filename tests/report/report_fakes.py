"""Made-up studies: records as the storage would give them, with the matching Optuna study."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import RandomSampler
from optuna.trial import TrialState as OptunaState
from optuna.trial import create_trial

from search.data.dataset import DatasetInfo
from search.evaluation.test_results import TestPredictions
from search.metric import ACCURACY
from search.recipe import Recipe
from search.report.blocks import Plot
from search.report.evidence import Evidence
from search.report.finding import Finding
from search.report.findings import FIGURE_NAMES
from search.report.findings.ablation import Ablated
from search.report.findings.labels import DoubtfulLabels
from search.report.findings.pareto import ParetoFront
from search.training.history import FoldEpoch, History, best_epoch
from search.training.metrics import evaluate_predictions
from search.tuning.after_search import RefitRecord, TestSetAccess
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import Candidate
from spaces.cnn import CNN_SPACE

ANIMALS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_ABSENT = "importances"  # nothing stands out from noise there, so that no figure is drawn
_OF_KINDS = ("learning-curve", "confusion-matrix")
CNN_FIGURES = tuple(  # of a search by one objective, won by a cnn; no ablation, no doubt
    name
    for name in FIGURE_NAMES
    if name not in (*ParetoFront.figures, *Ablated.figures, *DoubtfulLabels.figures, _ABSENT)
    and (
        not name.endswith(_OF_KINDS) or (name.removeprefix("cnn-") in _OF_KINDS and "cnn-" in name)
    )
)
_STATES = {
    "complete": OptunaState.COMPLETE,
    "pruned": OptunaState.PRUNED,
    "failed": OptunaState.FAIL,
    "running": OptunaState.RUNNING,
    "waiting": OptunaState.WAITING,
}


class Fake(NamedTuple):
    """A study's record and the Optuna study that it was read from."""

    record: StudyRecord
    study: optuna.Study

    def evidence(self, **others: Any) -> Evidence:
        """Return what its report is made from."""
        return Evidence(*self, **others)


def fold_epoch(accuracy: float, rate: float = 0.1, *, refit: bool = False) -> FoldEpoch:
    """Return an epoch whose losses are 1 - accuracy; training is 0.05 better."""
    return FoldEpoch(
        train_loss=1 - accuracy - 0.05,
        train_accuracy=accuracy + 0.05,
        validation_loss=None if refit else 1 - accuracy,
        validation_accuracy=None if refit else accuracy,
        learning_rate=rate,
        seconds=0.5,
    )


def history(curves: Sequence[Sequence[float]], rates: Sequence[float] | None = None) -> History:
    """Return the history of validation accuracies, one curve a fold."""
    rates = rates or [0.1] * len(curves[0])
    epochs = zip(*curves, strict=True)
    return History(
        tuple(
            tuple(fold_epoch(a, rate) for a in folds)
            for folds, rate in zip(epochs, rates, strict=True)
        )
    )


def complete_trial(number: int, *curves: Sequence[float], **values: Any) -> TrialRecord:
    """Return a complete trial scored by accuracy from its folds' curves."""
    past = history(curves)
    mean_curve = past.mean_curve(ACCURACY)
    best = best_epoch(mean_curve, ACCURACY)
    scores = tuple(past.fold_scores(best, ACCURACY))
    mean = mean_curve[best - 1]
    fields: dict[str, Any] = {
        "number": number,
        "plan": number,
        "attempt": 0,
        "state": "complete",
        "params": {},
        "value": mean,
        "best_epoch": best,
        "fold_scores": scores,
        "mean": mean,
        "std": float(np.std(scores)),
        "history": past,
        "n_parameters": 114_186,
        "seconds": 60.0,
    }
    return TrialRecord(**(fields | values))


def other_trial(number: int, state: str, **values: Any) -> TrialRecord:
    """Return a trial without a score of its own."""
    fields: dict[str, Any] = {
        "number": number,
        "plan": number,
        "attempt": 0,
        "state": state,
        "params": {},
    }
    return TrialRecord(**(fields | values))


def study_record(trials: Sequence[TrialRecord], **values: Any) -> StudyRecord:
    """Return a study of these trials that has not ended."""
    settings = {"refit": "best-epoch", "pruner": "none"} | values.pop("recipe", {})
    recipe = Recipe(space="cnn", epochs=10, seed=7, **settings)
    names = values.pop("class_names", ANIMALS)
    fields: dict[str, Any] = {
        "name": "cnn-random-photos",
        "recipe": recipe,
        "dataset": DatasetInfo(
            "photos", "f1" * 32, tuple(names), (3, 32, 32), 50_000, 10_000, Path("cache")
        ),
        "folds_hash": "ab" * 32,
        "versions": {"python": "3.11.2", "torch": "2.11.0"},
        "hardware": {"processor": "16 cores", "device": "cpu"},
        "trials": tuple(trials),
    }
    return StudyRecord(**(fields | values))


RANGES: dict[str, BaseDistribution] = {
    "x": FloatDistribution(0.0, 1.0),
    "y": FloatDistribution(0.0, 1.0),
    "rate": FloatDistribution(1e-4, 1.0, log=True),
    "kind": CategoricalDistribution(("sgd", "adam")),
    "fixed": IntDistribution(3, 3),
}


def study_of(points: Sequence[Mapping[str, Any]], scores: Sequence[float]) -> Fake:
    """Return a study whose complete trials have these parameters (see RANGES) and scores."""
    trials = [
        complete_trial(i, [score], params=dict(point))
        for i, (point, score) in enumerate(zip(points, scores, strict=True))
    ]
    known = [{name: RANGES[name] for name in point} for point in points]
    record = study_record(trials, recipe={"with_baseline": False})
    return Fake(record, optuna_study(trials, known))


def plots(finding: Finding) -> list[Plot]:
    """Return the plots of a finding."""
    return [block for block in finding.blocks() if isinstance(block, Plot)]


def evidence(record: StudyRecord, **others: Any) -> Evidence:
    """Return what a report of these trials is made from, without the ranges of parameters."""
    return Evidence(record, optuna_study(record.trials), **others)


def optuna_study(trials: Sequence[TrialRecord], points: Sequence[Any] = ()) -> optuna.Study:
    """Return an in-memory study of these trials; `points` gives each one's distributions."""
    study = optuna.create_study(direction="maximize")
    for trial in trials:
        distributions = dict(points[trial.number]) if points else {}
        value = (trial.value or 0.0) if trial.state in ("complete", "pruned") else None
        study.add_trial(
            create_trial(
                state=_STATES[trial.state],
                value=value,
                params=trial.params,
                distributions=distributions,
            )
        )
    return study


def realistic(
    n_trials: int = 24,
    n_folds: int = 1,
    epochs: int = 30,
    class_names: Sequence[str] = ANIMALS,
    *,
    ended: bool = True,
) -> Fake:
    """Return a random search of the cnn space with every kind of trial, ended or not."""
    asked = optuna.create_study(sampler=RandomSampler(seed=2))
    asked.enqueue_trial(dict(CNN_SPACE.baseline_params or {}))
    generator = np.random.default_rng(1)
    trials, points = [], []
    for number in range(n_trials):
        trial = asked.ask()
        candidate = CNN_SPACE.suggest(trial)
        points.append(trial.distributions)
        known = {
            "params": dict(trial.params),
            "candidate": candidate,
            "seconds": 40.0 + 3 * number,
            "n_parameters": int(generator.integers(20_000, 900_000)),
        }
        trials.append(_realistic_trial(number, known, n_folds, epochs, generator))
    recipe = {"validation": "kfold" if n_folds > 1 else "holdout", "folds": max(n_folds, 2)}
    record = study_record(trials, recipe=recipe, class_names=class_names)
    record = replace(record, recipe=record.recipe.model_copy(update={"epochs": epochs}))
    study = optuna_study(trials, points)
    return Fake(with_end(record) if ended else record, study)


def _realistic_trial(
    number: int,
    known: dict[str, Any],
    n_folds: int,
    epochs: int,
    generator: np.random.Generator,
) -> TrialRecord:
    candidate: Candidate = known["candidate"]
    rate = math.log10(candidate.optimizer.learning_rate)
    top = 0.78 - 0.05 * (rate + 2.3) ** 2 + 0.03 * float(generator.normal())
    top += 0.06 if candidate.augmentation == "flip_crop" else 0.0
    if number % 9 == 4:
        return other_trial(
            number, "complete", value=0.1, diverged=True, reason="loss is not finite", **known
        )
    if number % 11 == 6:
        return other_trial(number, "pruned", infeasible=True, reason="too many parameters", **known)
    if number % 13 == 8:
        return other_trial(number, "failed", reason="killed", **known)
    pruned = number % 3 == 1
    last = 3 + number % 4 if pruned else epochs
    curves = [
        [
            top * (1 - 0.7 * math.exp(-e / 5)) - 0.001 * max(0, e - 20) + 0.008 * jitter
            for e, jitter in enumerate(generator.normal(size=last).tolist(), start=1)
        ]
        for _ in range(n_folds)
    ]
    if pruned:
        past = history(curves)
        return other_trial(
            number, "pruned", value=past.mean_curve(ACCURACY)[-1], history=past, **known
        )
    whole = complete_trial(number, *curves, **known)
    rates = [0.01] * (epochs * 2 // 3) + [0.001] * (epochs - epochs * 2 // 3)
    return replace(whole, history=history(curves, rates))


def with_end(record: StudyRecord, n_images: int = 2000) -> StudyRecord:
    """Return the study with a refit of its winner and one test evaluation."""
    winner = record.winner()
    assert winner is not None
    assert winner.best_epoch is not None
    curve = [fold[0].train_accuracy for fold in winner.history.epochs[: winner.best_epoch]]
    past = History(tuple((fold_epoch(a, refit=True),) for a in curve))
    logits, labels = model_logits(record, n_images=n_images)
    return replace(
        record,
        refit=RefitRecord(winner.number, winner.best_epoch, past, 123.0, 2),
        test=evaluate_predictions(logits, labels, record.dataset.class_names),
        openings=(opening(),),
    )


def opening(minute: int = 30) -> TestSetAccess:
    """Return an opening of the test set at that minute past noon."""
    return TestSetAccess(datetime(2025, 6, 1, 12, minute, tzinfo=UTC), "final evaluation")


def model_logits(
    record: StudyRecord, strength: float = 2.5, seed: int = 2, n_images: int = 2000
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.int64]]]:
    """Return a model's logits and the labels, which every model of a dataset shares.

    Classes are confused in pairs; `strength` makes the model good.
    """
    classes = len(record.dataset.class_names)
    labels = np.random.default_rng(2).integers(0, classes, n_images)
    logits = np.random.default_rng(seed).normal(size=(n_images, classes)).astype(np.float32)
    logits[np.arange(n_images), labels] += strength
    logits[np.arange(n_images), labels // 2 * 2] += 1.0
    return logits, labels


def model_predictions(record: StudyRecord, **model: Any) -> TestPredictions:
    """Return what a model of `model_logits` made of the test images."""
    logits, labels = model_logits(record, **model)
    return TestPredictions(labels, logits.argmax(axis=1))


def mistake_images(record: StudyRecord, side: int = 32) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return soft colour patterns in place of the mistaken images."""
    assert record.test is not None
    rows, columns = np.mgrid[0:side, 0:side] / side
    images = [
        [127 + 127 * np.sin(3 * (rows * i + columns * (c + 1))) for c in range(3)]
        for i in range(len(record.test.mistakes))
    ]
    return np.array(images).astype(np.uint8)
