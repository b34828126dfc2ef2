"""By how much one trial leads another in validation, and whether noise explains it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from scipy.stats import t as student

from search.report.scoring import decisive_score, single_error
from search.tuning.records import StudyRecord, TrialRecord

_SELDOM = 0.05
EVER_MORE = math.inf  # degrees of freedom at which Student's t is the normal distribution


def reach_of_chance(error: float, freedom: float, among: int) -> float:
    """Return how far chance seldom reaches, once in 20, in the unit of the standard error.

    Args:
        error: The standard error.
        freedom: Its degrees of freedom (Student's t).
        among: How many rivals the better one is the best of (Bonferroni).
    """
    return float(student.ppf(1 - _SELDOM / 2 / among, freedom)) * error


@final
@dataclass(frozen=True)
class Lead:
    """A lead of one trial over another.

    Args:
        gap: How much better its score is, in the metric's unit; negative if it is worse.
        error: The standard error of that; None if it is not known, as for a loss on a holdout.
        n_folds: Folds on which both were scored.
        among: How many trials the leader is the best of.
    """

    gap: float
    error: float | None
    n_folds: int
    among: int = 1

    @property
    def within_noise(self) -> bool | None:
        """Whether two equally good trials would often differ as much; None if that is not known.

        Often is more than once in 20, by Student's t over folds: a few folds say little about their
        own scatter. For the best of several the level is divided by their number (Bonferroni).
        """
        noise = self.noise
        return None if noise is None else abs(self.gap) <= noise

    @property
    def noise(self) -> float | None:
        """How far noise reaches, in the metric's unit; None if that is not known."""
        if self.error is None:
            return None
        return reach_of_chance(self.error, self._freedom, self.among)

    @property
    def p_value(self) -> float | None:
        """How often two equally good trials differ as much; None if that is not known.

        It is at least 1 in 20 exactly where that is within noise.
        """
        if self.error is None:
            return None
        if not self.error:
            return 0.0 if self.gap else 1.0
        chance = 2 * float(student.sf(abs(self.gap) / self.error, self._freedom))
        return min(1.0, self.among * chance)

    @property
    def _freedom(self) -> float:
        return self.n_folds - 1 if self.n_folds > 1 else EVER_MORE


def lead_over(
    record: StudyRecord, ahead: TrialRecord, other: TrialRecord, among: int = 1
) -> Lead | None:
    """Return the lead of a trial, the best of so many, over another; None if one has no score.

    The error is that of the mean difference per fold or, with a single fold, of the difference of
    two scores on that many images.
    """
    first, second = decisive_score(record, ahead), decisive_score(record, other)
    if first is None or second is None:
        return None
    gap = first - second if record.metric.higher_is_better else second - first
    n_folds = min(len(ahead.fold_scores), len(other.fold_scores))
    return Lead(gap, _error(record, ahead, other), n_folds, among)


def fold_mean_error(values: Sequence[float], validation_share: float) -> float:
    """Return the standard error of a mean over folds, of scores or of differences of two trials.

    Training sets of folds overlap, so that their scores are not independent and the error is more
    than s / sqrt(k): s * sqrt(1/k + n_test/n_train) (Nadeau and Bengio, "Inference for the
    Generalization Error", Machine Learning 52, 2003).

    Args:
        values: One for each of at least two folds.
        validation_share: The share of the images that validates in a fold.
    """
    ratio = validation_share / (1 - validation_share)
    return statistics.stdev(values) * math.sqrt(1 / len(values) + ratio)


def _error(record: StudyRecord, ahead: TrialRecord, other: TrialRecord) -> float | None:
    pairs = list(zip(ahead.fold_scores, other.fold_scores, strict=False))
    if len(pairs) > 1:
        return fold_mean_error([a - b for a, b in pairs], record.recipe.validation_share)
    errors = [single_error(record, trial) for trial in (ahead, other)]
    known = [error for error in errors if error is not None]
    return math.hypot(*known) if len(known) == len(errors) else None
