"""Whether more trials still help, read from those there are. Pure."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from search.report.comparing import comparable_trials
from search.report.info_optimism import validation_images
from search.report.kinds import trial_score
from search.study.records import StudyRecord, TrialRecord
from search.training.history import Metric

FEWEST = 8


class ExpectedBest(NamedTuple):
    """The expected best of `sizes` trials drawn from those that can be compared; fractions or nats.

    The last size is all of them. `noise` is the standard error of the winner's score, None where
    it is not known; `epoch` as in `comparable_trials`.
    """

    metric: Metric
    sizes: tuple[int, ...]
    values: tuple[float, ...]
    noise: float | None
    epoch: int | None

    @property
    def gain(self) -> float:
        """Return what the last doubling of the trials brought, at least 0."""
        return abs(self.values[-1] - self.values[-2])

    @property
    def flat(self) -> bool:
        """Return whether that is less than the winner's score is sure of, or nothing."""
        return self.gain <= (self.noise or 0.0)


def expected_best_info(record: StudyRecord) -> ExpectedBest | None:
    """Return the curve of a random or grid search, None where there are too few trials.

    The hand-tuned candidate is left out: it was not drawn. TPE draws each trial in the light of
    those before, so that nothing is known of another sample.
    """
    compared = comparable_trials(record)
    pairs = zip(compared.trials, compared.values, strict=True)
    values = [value for trial, value in pairs if trial.plan or not record.recipe.with_baseline]
    winner = record.winner()
    if record.recipe.sampler not in ("random", "grid") or len(values) < FEWEST or winner is None:
        return None
    metric, n = record.recipe.metric, len(values)
    sizes = (n // 4, n // 2, n)
    return ExpectedBest(
        metric=metric,
        sizes=sizes,
        values=tuple(expected_best(values, size, metric) for size in sizes),
        noise=_noise(record, winner),
        epoch=compared.epoch,
    )


def expected_best(values: Sequence[float], n: int, metric: Metric) -> float:
    """Return the mean, over all ways of drawing `n` of the values, of the best of them.

    1 <= n <= N. It is the unbiased estimate of the expected validation performance of n trials
    (Dodge et al., "Show Your Work", EMNLP 2019, without replacement as Tang et al., "Showing Your
    Work Doesn't Always Work", ACL 2020).
    """
    worst_first = sorted(values, reverse=metric == "loss")
    ways = math.comb(len(values), n)
    # The i-th from the worst, counted from 0, is the best where the others come from below it.
    return sum(math.comb(i, n - 1) / ways * value for i, value in enumerate(worst_first))


def _noise(record: StudyRecord, winner: TrialRecord) -> float | None:
    """Return the score's standard error: over folds, or binomial over the holdout's images."""
    if len(winner.fold_scores) > 1:
        return statistics.stdev(winner.fold_scores) / math.sqrt(len(winner.fold_scores))
    value = trial_score(winner)
    if value is None or record.recipe.metric == "loss":
        return None
    return math.sqrt(value * (1 - value) / validation_images(record))
