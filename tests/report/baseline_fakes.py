"""Made-up baseline studies: the hand-tuned network, trained with several seeds."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from search.evaluation.test_results import TestPredictions
from search.metric import ACCURACY
from search.report.evidence import TestedStudy
from search.training.history import FoldEpoch, History
from search.training.metrics import TestResult, evaluate_predictions
from search.tuning.after_search import RepeatResult
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import Candidate
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes

EPOCHS = 40
HAND_TUNED: Candidate = CNN_SPACE.candidate(dict(CNN_SPACE.baseline_params or {}))


def reproduction(repeats: int = 3, *, ended: bool = True) -> TestedStudy:
    """Return the hand-tuned cnn trained as in the hand-tuned report, with plateau drops."""
    trials = [plateau_trial(number, (24 + 2 * number, 33)) for number in range(repeats)]
    record = baseline_record(trials)
    winner = record.winner()
    if not ended or winner is None:
        return TestedStudy(record)
    tests = [tested(record, seed=number) for number in range(repeats)]
    record = replace(
        record,
        test=tests[winner.number],
        repeats=tuple(
            RepeatResult(n, one.accuracy, one.interval, one.loss) for n, one in enumerate(tests)
        ),
        openings=(fakes.opening(),),
    )
    return TestedStudy(record, predicted(record, seed=winner.number))


def tested(record: StudyRecord, seed: int) -> TestResult:
    """Return the test of a middling model."""
    logits, labels = fakes.model_logits(record, _strength(seed), seed=10 + seed)
    return evaluate_predictions(logits, labels, record.dataset.class_names)


def predicted(record: StudyRecord, seed: int) -> TestPredictions:
    """Return what the model of `tested` made of the test images."""
    return fakes.model_predictions(record, strength=_strength(seed), seed=10 + seed)


def _strength(seed: int) -> float:
    return 1.6 + 0.05 * seed


def crossvalidated(n_trials: int = 1) -> TestedStudy:
    """Return the hand-tuned cnn scored by 5 folds, refitted and tested."""
    curves = [[0.5, 0.7, 0.6]] * 5
    trials = [
        fakes.complete_trial(number, *curves, candidate=HAND_TUNED) for number in range(n_trials)
    ]
    record = fakes.with_end(baseline_record(trials, validation="kfold", folds=5, epochs=3))
    return TestedStudy(record, fakes.model_predictions(record))


def baseline_record(trials: Sequence[TrialRecord], **recipe: Any) -> StudyRecord:
    """Return a baseline study of these trainings that is not tested yet."""
    record = fakes.study_record(trials, name="cnn-baseline-photos")
    settings = {"sampler": "baseline", "pruner": "none", "epochs": EPOCHS, "trials": len(trials)}
    return replace(record, recipe=record.recipe.model_copy(update=settings | recipe))


def plateau_trial(number: int, drops: Sequence[int]) -> TrialRecord:
    """Return a training whose rate falls after the epochs `drops`, each time with a step up."""
    jitter = np.random.default_rng(number).normal(size=(EPOCHS, 2)).tolist()
    epochs = []
    for epoch, (a, b) in enumerate(jitter, start=1):
        steps = sum(epoch > drop for drop in drops)
        rest = 0.4 * math.exp(-epoch / 7) - 0.02 * steps
        noise = 0.006 if steps == 0 else 0.001
        epochs.append((_epoch(0.76 - rest + noise * a, rest, noise * b, 0.01 * 0.1**steps),))
    trial = fakes.complete_trial(number, [0.5], candidate=HAND_TUNED)
    past = History(tuple(epochs))
    return replace(
        trial,
        history=past,
        best_epoch=EPOCHS,
        fold_scores=tuple(past.fold_scores(EPOCHS, ACCURACY)),
        mean=past.mean_curve(ACCURACY)[-1],
        std=0.0,
        value=past.mean_curve(ACCURACY)[-1],
    )


def _epoch(accuracy: float, rest: float, noise: float, rate: float) -> FoldEpoch:
    return FoldEpoch(
        train_loss=0.62 + 2 * rest,
        train_accuracy=0.78 - 1.1 * rest,
        validation_loss=0.68 + 2 * rest + noise,
        validation_accuracy=accuracy,
        learning_rate=rate,
        seconds=1.0,
    )
