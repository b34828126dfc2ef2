"""Two models on the same test images: by accuracy image by image, and by another metric."""

import math
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, norm

from search.metric import CountMetric
from search.report.blocks import Table
from search.report.evidence import TestedStudy
from search.report.finding import MetricName, ReportPart
from search.text import score, score_interval
from search.training.bootstrap import paired_interval

Correct = npt.NDArray[np.bool_]


@final
class PairedComparison(ReportPart):
    """Winner (first) against baseline (second), image by image."""

    n_images: int
    """Test images."""
    only_first: int
    """Images that only the winner predicts correctly."""
    only_second: int
    """Images that only the baseline predicts correctly."""
    difference: float
    """The winner's accuracy minus the baseline's, a fraction."""
    interval: tuple[float, float]
    """Its 95% interval for paired proportions, by Newcombe (1998)."""
    p_value: float
    """McNemar's exact test, two-sided."""


def compare_paired(first: Correct, second: Correct) -> PairedComparison:
    """Compare two models by which images each gets right, bool (N,) in the same order, N >= 1.

    The interval joins Wilson's intervals of both accuracies by how much they agree (Newcombe,
    "Improved confidence intervals for the difference between binomial proportions based on paired
    data", Statistics in Medicine 17, 1998, method 10). It has a width even where the models never
    differ. The p-value is two-sided and exact: of the images on which the models
    disagree, each is equally likely to favour either (McNemar, Psychometrika 12, 1947).
    """
    both = int((first & second).sum())
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    return compare_counts(both, only_first, only_second, len(first))


def compare_counts(both: int, only_first: int, only_second: int, n: int) -> PairedComparison:
    """Compare two models as `compare_paired` does, by counts.

    Args:
        both: Images that both predict correctly.
        only_first: Those that only the first does.
        only_second: Those that only the second does.
        n: All images, at least 1.
    """
    disagreements = only_first + only_second
    difference = (only_first - only_second) / n
    return PairedComparison(
        n_images=n,
        only_first=only_first,
        only_second=only_second,
        difference=difference,
        interval=newcombe_interval(both, only_first, only_second, n),
        p_value=float(binomtest(only_first, disagreements).pvalue) if disagreements else 1.0,
    )


def newcombe_interval(both: int, only_first: int, only_second: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a difference of paired proportions, by Newcombe's method 10.

    Args:
        both: Images that both predict correctly.
        only_first: Those that only the first does.
        only_second: Those that only the second does.
        n: All images, at least 1.
    """
    neither = n - both - only_first - only_second
    shares = (both + only_first) / n, (both + only_second) / n
    (low1, high1), (low2, high2) = (_wilson(round(share * n), n) for share in shares)
    margins = (both + only_first) * (only_second + neither)
    margins *= (both + only_second) * (only_first + neither)
    product: float = both * neither - only_first * only_second
    if product > n / 2:
        product -= n / 2
    elif product >= 0:
        product = 0
    correlation = product / math.sqrt(margins) if margins else 0.0
    difference = shares[0] - shares[1]

    def reach(one: float, other: float) -> float:
        squared = one * one - 2 * correlation * one * other + other * other
        return math.sqrt(max(squared, 0.0))

    low = difference - reach(shares[0] - low1, high2 - shares[1])
    return low, difference + reach(high1 - shares[0], shares[1] - low2)


def _wilson(correct: int, n: int) -> tuple[float, float]:
    found = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


@final
class OwnMetric(ReportPart):
    """Winner and baseline by the metric that trials are scored by, on the test images."""

    metric: MetricName
    """Which: shares are fractions."""
    winner: float
    """The winner's."""
    baseline: float
    """The baseline's."""
    gain: float
    """By how much the winner is better, negative if it is worse."""
    interval: tuple[float, float] | None
    """Its 95% interval, from a bootstrap of the images, the same for both; null for a metric of
    probabilities, which are not kept."""

    def is_clear(self, level: float) -> bool | None:
        """Return whether other test images make such a difference less often than `level`.

        None if that is not known: resamples of a few images that do not differ say nothing.
        """
        low, high = self.interval or (0.0, 0.0)
        if low == high:
            return None
        reach = (high - low) / 2 * norm.ppf(1 - level / 2) / norm.ppf(0.975)
        return bool(abs((low + high) / 2) > reach)

    def table(self) -> Table:
        """Set both beside each other."""
        both = "–" if self.interval is None else score_interval(self.interval, self.metric)
        values = [score(one, self.metric) for one in (self.winner, self.baseline, self.gain)]
        return Table(
            caption=f"Test {self.metric} of both, and by how much the winner is better",
            header=("Winner", "Baseline", "Difference", "95% interval (bootstrap)"),
            rows=((*values, both),),
            align="rrrr",
        )


def own_metric(ours: TestedStudy, baseline: TestedStudy) -> OwnMetric | None:
    """Compare two tested studies by the metric of the first.

    Returns None if that is accuracy or loss, or was not measured of the baseline.
    """
    metric, test, against = ours.record.metric, ours.record.test, baseline.record.test
    if metric.recorded is not None or test is None or against is None:
        return None
    first, second = test.value(metric), against.value(metric)
    if first is None or second is None:
        return None
    both = None
    known = ours.predictions, baseline.predictions
    if isinstance(metric, CountMetric) and known[0] is not None and known[1] is not None:
        labels, n_classes = known[0].labels, len(test.classes)
        predictions = known[0].predictions, known[1].predictions
        _, both = paired_interval(metric, labels, *predictions, n_classes)
    gain = first - second if metric.higher_is_better else second - first
    return OwnMetric(metric=metric, winner=first, baseline=second, gain=gain, interval=both)
