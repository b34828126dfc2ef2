"""Whether more trials still help, read from those there are. Pure."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from search.metric import Metric
from search.report.trials import After, comparable_trials, fold_values, validation_images
from search.tuning.records import StudyRecord, TrialRecord

FEWEST = 8


class ExpectedBest(NamedTuple):
    """The expected best of `sizes` trials drawn from those that can be compared; fractions or nats.

    The last size is all of them. `noise` is the standard error of the winner's value, None where
    it is not known; `after` as in `comparable_trials`.
    """

    metric: Metric
    sizes: tuple[int, ...]
    values: tuple[float, ...]
    noise: float | None
    after: After | None

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
        noise=_noise(record, winner, compared.after),
        after=compared.after,
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


def _noise(record: StudyRecord, winner: TrialRecord, after: After | None) -> float | None:
    """Return the standard error of what the winner is compared by.

    Over the folds; of an accuracy on a single one binomial, over its validation images.
    """
    metric = record.recipe.metric
    scores = list(winner.fold_scores) if after is None else fold_values(winner, after, metric)
    if len(scores) > 1:
        return statistics.stdev(scores) / math.sqrt(len(scores))
    if metric == "loss":
        return None
    return math.sqrt(scores[0] * (1 - scores[0]) / validation_images(record))
