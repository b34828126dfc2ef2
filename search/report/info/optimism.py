"""How far the winner's validation score flatters it: against the test, and by itself. Pure."""

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from search.metric import Metric
from search.report.statistics import greatest_bias, selection_bias
from search.report.trials import trial_score, validation_images
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.samplers import get_sampler


class ValidationGap(NamedTuple):
    """The winner's validation accuracy at E* beside its test accuracy and the 95% interval."""

    validation: float
    test: float
    interval: tuple[float, float]

    @property
    def place(self) -> str:
        """Return where the validation accuracy lies: "within", "above" or "below" the interval."""
        low, high = self.interval
        if self.validation > high:
            return "above"
        return "below" if self.validation < low else "within"


class FoldBias(NamedTuple):
    """The bias estimated from `n_folds` fold curves of `n_trials` trials, in the metric's unit.

    `corrected` is the score without it. `n_dropped` trials never had all the folds, so that the
    choice of those that had is not in it.
    """

    bias: float
    corrected: float
    n_folds: int
    n_trials: int
    n_dropped: int


class HoldoutBound(NamedTuple):
    """What one validation part says of the winner's accuracy (a fraction).

    `interval` is the 95% Wilson interval of a candidate that had been named beforehand. The
    choice among `n_choices` trials and epochs adds at most `greatest_bias` on average, None where
    that is not known because trials were asked for in the light of earlier ones.
    """

    n_images: int
    interval: tuple[float, float]
    n_choices: int
    greatest_bias: float | None


class OptimismInfo(NamedTuple):
    """The winner's `score`, and what there is to say of its optimism; None where it cannot be.

    `folds` needs cross-validation, `holdout` stands in its place without.
    """

    metric: Metric
    score: float
    gap: ValidationGap | None
    folds: FoldBias | None
    holdout: HoldoutBound | None


def optimism_info(record: StudyRecord) -> OptimismInfo | None:
    """Return the winner's optimism, None without a winner or where nothing was chosen.

    That is a baseline scored after its last epoch.
    """
    winner = record.winner()
    value = None if winner is None else trial_score(winner)
    if winner is None or value is None or not winner.history.epochs:
        return None
    if record.recipe.protocol.scores_last_epoch:
        return None
    several = record.recipe.n_folds > 1
    return OptimismInfo(
        metric=record.recipe.metric,
        score=value,
        gap=_gap(record, winner),
        folds=_fold_bias(record, value) if several else None,
        holdout=None if several else _holdout_bound(record, winner),
    )


def _accuracy(winner: TrialRecord) -> float:
    return winner.history.mean_curve("accuracy")[(winner.best_epoch or 1) - 1]


def _gap(record: StudyRecord, winner: TrialRecord) -> ValidationGap | None:
    test = record.test
    return None if test is None else ValidationGap(_accuracy(winner), test.accuracy, test.interval)


def _fold_bias(record: StudyRecord, value: float) -> FoldBias | None:
    """Return the bias over every epoch of every trial that can win, as any of them could have."""
    n_folds, metric = record.recipe.n_folds, record.recipe.metric
    whole = [trial for trial in record.complete() if trial.history.n_folds() == n_folds]
    if not whole:
        return None
    curves = np.concatenate([trial.history.fold_curves(metric) for trial in whole], axis=1)
    sign = -1.0 if metric == "accuracy" else 1.0
    bias = selection_bias(sign * curves)
    dropped = sum(trial.kind == "pruned" for trial in record.trials)
    return FoldBias(bias, value + sign * bias, n_folds, len(whole), dropped)


def _holdout_bound(record: StudyRecord, winner: TrialRecord) -> HoldoutBound:
    n_images = validation_images(record)
    right = binomtest(round(_accuracy(winner) * n_images), n_images)
    low, high = right.proportion_ci(0.95, method="wilson")
    # A trial that repeats another's result was no choice of its own.
    n_choices = sum(len(t.history.epochs) for t in record.trials if t.same_as is None)
    planned = not get_sampler(record.recipe.sampler).adaptive
    bound = greatest_bias(n_choices, n_images) if planned else None
    return HoldoutBound(n_images, (float(low), float(high)), n_choices, bound)
