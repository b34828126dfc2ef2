"""How much does the winner's validation score overstate its accuracy?"""

import math
from collections.abc import Iterator
from typing import Literal, Self, final

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from search.metric import ACCURACY, Metric
from search.report.blocks import Block, Bullets
from search.report.evidence import Evidence
from search.report.finding import CERTAIN, Finding, MetricName, Number, ReportPart, Unlisted
from search.report.findings.selection import SelectionScore
from search.report.scoring import (
    at_best_epoch,
    further_trainings,
    mean_of_trainings,
    single_error,
    trial_score,
    validation_images,
)
from search.text import apart, interval, plural, score, score_interval, spread
from search.training.bootstrap import score_error
from search.training.metrics import TestResult
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.samplers import get_sampler

Place = Literal["within", "above", "below"]

_MEANING: dict[Place, str] = {
    "within": "this test set cannot tell whether selection inflated it.",
    "above": "the score used to pick a winner is usually too optimistic.",
    "below": "the refit, on more images and often for more epochs, can outweigh selection bias.",
}

_NOISE = "validation images are a sample too, so this may still be chance."
_UNKNOWN_BIAS = (
    "With a single validation split, the bias of choosing the best cannot be estimated from how "
    "much folds disagree; cross-validation (--validation kfold) makes that possible."
)
_SEE_SELECTION = (
    "How much of it comes from having been chosen is estimated in “The score corrected for "
    "selection”."
)
_Z95, _Z99 = 1.959964, 2.575829  # quantiles of the normal distribution, two-sided

_REVERSED: dict[Place, Place] = {"within": "within", "above": "below", "below": "above"}


@final
class ValidationGap(ReportPart):
    """The winner's validation score and its test result: by accuracy where trials are scored by
    accuracy or loss, otherwise by their metric. Shares are fractions."""

    validation: float
    """The validation figure at E*; where `n_again` is not 0, the mean of further trainings."""
    test: float
    """The test figure."""
    interval: tuple[float, float]
    """Its 95% interval: Wilson's for accuracy, others from a bootstrap of the images."""
    place: Place
    """Where the validation figure lies relative to that interval."""
    beyond_noise: bool | None
    """Whether chance makes such a difference of both figures in less than 1 of 100 cases, given the
    errors of both; null if the error of validation is not known."""
    n_again: int = 0
    """How many further trainings of the winner, as a finalist, `validation` is the mean of: those
    were not selected, unlike the search's. 0 without them, and for scores by loss."""
    in_search: Unlisted[bool] = False  # whether it is the search's although there are others

    @property
    def origin(self) -> str:
        """Say which trainings it is of, where there are several: the finalists' or the search's."""
        if self.n_again:
            return mean_of_trainings(self.n_again)
        return "in the search" if self.in_search else ""

    def distance(self, metric: Metric) -> str:
        """Say how far validation is from the test: "5.39 points above"."""
        if score(self.validation, metric) == score(self.test, metric):
            return "level with"
        side = "above" if self.validation > self.test else "below"
        return f"{apart(self.validation, self.test, metric)} {side}"


@final
class FoldBias(ReportPart):
    """The bias of having picked the best, by Tibshirani and Tibshirani (2009)."""

    bias: Number
    """By how much the score is too optimistic: a fraction, or a loss in nats."""
    corrected: Number
    """The score minus the bias."""
    n_folds: int
    """Folds that it was estimated from."""
    n_trials: int
    """Complete trials that the winner was chosen from."""
    n_dropped: int
    """Trials stopped before they had all folds; the estimate does not cover that selection."""


@final
class HoldoutBound(ReportPart):
    """What is known with a single validation split, from which the bias cannot be estimated."""

    n_images: int
    """Validation images."""
    interval: tuple[float, float]
    """95% Wilson interval of the accuracy, had this network been fixed in advance."""
    n_choices: int
    """Epochs of all trials that the winner was chosen from."""
    greatest_bias: float | None
    """The most that choosing can add on average, a fraction; null if that is not known, because the
    sampler learned from earlier trials."""


@final
class Optimism(Finding):
    """How much the winner's validation score overstates its accuracy."""

    key = "optimism"
    section = CERTAIN
    title = "Is the validation score inflated?"
    folded = True

    metric: MetricName
    """What the score is."""
    score: Number
    """The winner's score in the search."""
    gap: ValidationGap | None
    """Validation against test; null before the test."""
    folds: FoldBias | None
    """The estimate with cross-validation."""
    holdout: HoldoutBound | None
    """The bound with a holdout."""
    words: tuple[str, ...]
    """The same in sentences."""

    @property
    def gap_metric(self) -> Metric:
        """What the gap is in."""
        return _shown_metric(self.metric)

    @property
    def gap_words(self) -> str:
        """The sentence on the gap, which stands beside the test result; "" before the test."""
        return "" if self.gap is None else self.words[0]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Estimate the bias; None without a winner, or where the last epoch counts."""
        record = evidence.record
        winner = record.winner()
        if winner is None or record.recipe.protocol.scores_last_epoch:
            return None
        value, accuracy = trial_score(winner), at_best_epoch(winner, ACCURACY)
        if value is None or accuracy is None:
            return None
        several, metric = record.recipe.n_folds > 1, record.metric
        shown = _shown_metric(metric)
        by_accuracy = shown is ACCURACY
        again = further_trainings(record, winner)
        n_again = 0 if again is None or shown is not metric else len(again.scores)
        figure = accuracy if by_accuracy else value
        if n_again and again is not None:
            figure = again.mean() or 0.0
        error = _validation_error(record, winner, shown, figure)
        gap = None if record.test is None else _gap(record.test, shown, figure, error)
        if gap is not None:
            trained = {"n_again": n_again, "in_search": again is not None and not n_again}
            gap = gap.model_copy(update=trained)
        folds = _fold_bias(record, value) if several else None
        holdout = _holdout_bound(record, accuracy) if by_accuracy and not several else None
        selection = evidence.once(SelectionScore.of)
        estimated = selection is not None
        words = (
            *(() if gap is None else (_gap_words(gap, shown),)),
            *(() if folds is None else _fold_words(folds, metric, value)),
            *(() if selection is None else (_SEE_SELECTION,)),
            *(() if several or estimated else (_UNKNOWN_BIAS,)),
            *(() if several else _holdout_words(record, winner, holdout, bounded=not estimated)),
        )
        return cls(metric=metric, score=value, gap=gap, folds=folds, holdout=holdout, words=words)

    def blocks(self) -> Iterator[Block]:
        others = self.words if self.gap is None else self.words[1:]
        if others:
            yield Bullets(others)


def _shown_metric(metric: Metric) -> Metric:
    """Return what validation and test are compared in where trials are scored by `metric`."""
    return metric if metric.recorded is None else ACCURACY


def _validation_error(
    record: StudyRecord, winner: TrialRecord, metric: Metric, value: float
) -> float | None:
    """Return the standard error of a validation figure on the images of all its folds."""
    n_folds = max(len(winner.fold_scores), 1)
    return score_error(metric, value, n_folds * validation_images(record), winner.confusion)


def _gap(
    test: TestResult, metric: Metric, validation: float, error: float | None
) -> ValidationGap | None:
    measured, value = test.measure(metric), test.value(metric)
    both = test.interval if metric is ACCURACY else None if measured is None else measured.interval
    if value is None or both is None:
        return None
    low, high = both
    place: Place = "above" if validation > high else "below" if validation < low else "within"
    beyond = None
    if error is not None:
        both_errors = math.hypot(error, (high - low) / (2 * _Z95))
        beyond = abs(validation - value) > _Z99 * both_errors
    return ValidationGap(
        validation=validation, test=value, interval=both, place=place, beyond_noise=beyond
    )


def _fold_bias(record: StudyRecord, value: float) -> FoldBias | None:
    """Estimate the bias over every epoch of every trial that can win."""
    n_folds, metric = record.recipe.n_folds, record.metric
    whole = [trial for trial in record.complete() if trial.history.n_folds() == n_folds]
    if not whole:
        return None
    curves = np.concatenate([trial.history.fold_curves(metric) for trial in whole], axis=1)
    sign = -1.0 if metric.higher_is_better else 1.0
    bias = selection_bias(sign * curves)
    return FoldBias(
        bias=bias,
        corrected=value + sign * bias,
        n_folds=n_folds,
        n_trials=len(whole),
        n_dropped=sum(trial.kind == "pruned" for trial in record.trials),
    )


def _holdout_bound(record: StudyRecord, accuracy: float) -> HoldoutBound:
    n_images = validation_images(record)
    correct = binomtest(round(accuracy * n_images), n_images)
    low, high = correct.proportion_ci(0.95, method="wilson")
    # A trial with a copied result was not another choice.
    n_choices = sum(len(t.history.epochs) for t in record.trials if t.same_as is None)
    planned = not get_sampler(record.recipe.sampler).adaptive
    return HoldoutBound(
        n_images=n_images,
        interval=(float(low), float(high)),
        n_choices=n_choices,
        greatest_bias=greatest_bias(n_choices, n_images) if planned else None,
    )


def selection_bias(errors: npt.NDArray[np.float64]) -> float:
    """Return the estimated bias of the least mean error, at least 0, in the unit of the errors.

    `errors` is (K, M): what each of K folds says of each of M choices, lower is better. The bias
    is the mean over folds k of e_k(chosen) - e_k(best of fold k), where `chosen` has the least
    mean over folds (Tibshirani and Tibshirani, "A bias correction for the minimum error rate in
    cross-validation", Annals of Applied Statistics 3, 2009); with one fold it is always 0 and
    says nothing.
    """
    chosen = errors.mean(axis=0).argmin()
    return float((errors[:, chosen] - errors.min(axis=1)).mean())


def overstatement(n_folds: int) -> float:
    """Return the ratio of the estimate to the true bias if all choices are equally good.

    With independent normal errors of deviation s, a fold's best of M lies c(M) * s below the
    truth and the mean curve's c(M) * s / sqrt(K): the true bias is the latter, the estimate the
    difference of both, so that their ratio is sqrt(K) - 1.
    """
    return math.sqrt(n_folds) - 1


def greatest_bias(n_choices: int, n_images: int) -> float:
    """Return a bound on the mean bias of the best of many accuracies, as a fraction.

    It holds however the choices depend on each other and for any rule of choosing, as long as
    none of them was trained on the `n_images`: sqrt(ln M / 2n), from Hoeffding's lemma and the
    maximal inequality (Boucheron, Lugosi, Massart, "Concentration Inequalities", 2013, sections
    2.3 and 2.5).
    """
    return math.sqrt(math.log(n_choices) / (2 * n_images))


def _gap_words(gap: ValidationGap, metric: Metric) -> str:
    meaning = gap.place if metric.higher_is_better else _REVERSED[gap.place]
    words = _NOISE if gap.beyond_noise is False and meaning != "within" else _MEANING[meaning]
    of = f" as {gap.origin}" if gap.n_again else f" {gap.origin}" if gap.origin else ""
    return (
        f"The winner’s validation {metric}, {score(gap.validation, metric)}{of}, is "
        f"{gap.distance(metric)} its test {metric} and {gap.place} the test "
        f"{metric}’s 95% interval ({score_interval(gap.interval, metric)}): {words}"
    )


def _fold_words(folds: FoldBias, metric: Metric, value: float) -> Iterator[str]:
    n_trials = folds.n_trials
    choice = "epoch" if n_trials == 1 else f"trial and epoch of {n_trials} complete trials"
    yield (
        f"Choosing the best {choice} on the same folds makes the validation {metric} too "
        f"optimistic by about {spread(folds.bias, metric)}, estimated from how much the folds "
        f"disagree (Tibshirani and Tibshirani, 2009): {score(value, metric)} becomes "
        f"{score(folds.corrected, metric)}. {_size_words(folds.n_folds)} Scores of single folds "
        "are optimistic too, because their mean chose the epoch."
    )
    if folds.n_dropped:
        were = "was" if folds.n_dropped == 1 else "were"
        yield (
            f"{plural(folds.n_dropped, 'more trial')} {were} stopped before having all folds and "
            "epochs; the estimate does not cover that selection."
        )


def _size_words(n_folds: int) -> str:
    """Say how far the estimate is off, which depends on the number of folds alone."""
    times = overstatement(n_folds)
    if round(times, 1) == 1:
        return "If all candidates were equally good, that would be the true bias on average."
    sense = "still flatters the winner" if times < 1 else "is cautious"
    return (
        f"If all candidates were equally good, that would be {times:.1f} times the true bias with "
        f"{n_folds} folds, so the corrected score {sense}."
    )


def _holdout_words(
    record: StudyRecord, winner: TrialRecord, holdout: HoldoutBound | None, *, bounded: bool
) -> Iterator[str]:
    """Yield what a holdout says of the score; the bound helps where there is no estimate."""
    if holdout is None:
        yield from _own_interval(record, winner)
        return
    yield (
        f"{_subject(record, winner)} is of {plural(holdout.n_images, 'image')}: had the network "
        "been fixed before, the 95% interval of its accuracy would be "
        f"{interval(holdout.interval)} (Wilson)."
    )
    if holdout.greatest_bias and bounded:
        yield (
            f"Choosing the best of {plural(holdout.n_choices, 'epoch')} across all trials inflates "
            f"this score by at most {spread(holdout.greatest_bias, ACCURACY)} on average, usually "
            "by far less (Hoeffding’s bound, which does not cover a plateau schedule: it sees the "
            "loss of these images)."
        )


def _subject(record: StudyRecord, winner: TrialRecord) -> str:
    """Name the score that was chosen in the search; a finalist has another one."""
    if further_trainings(record, winner) is None:
        return "The validation score"
    return f"The search’s validation score, {score(trial_score(winner), record.metric)},"


def _own_interval(record: StudyRecord, winner: TrialRecord) -> Iterator[str]:
    """Yield the interval of a score that is no accuracy, where its error is known."""
    metric, value, error = record.metric, trial_score(winner), single_error(record, winner)
    if value is None or error is None:
        return
    both = (metric.clipped(value - 1.96 * error), metric.clipped(value + 1.96 * error))
    yield (
        f"{_subject(record, winner)} is of {plural(validation_images(record), 'image')}: had the "
        f"network been fixed before, the 95% interval of its {metric} would be "
        f"{score_interval(both, metric)} (bootstrap)."
    )
