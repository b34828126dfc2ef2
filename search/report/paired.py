"""Two models on the same test images: by accuracy image by image, and by another metric."""

import math
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from search.metric import CountMetric
from search.report.evidence import TestedStudy
from search.report.finding import MetricName, ReportPart
from search.training.bootstrap import paired_interval

_Z = 1.959964  # the normal distribution's 97.5% quantile

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
    """Its 95% Wald interval for paired proportions."""
    p_value: float
    """McNemar's exact test, two-sided."""


def compare_paired(first: Correct, second: Correct) -> PairedComparison:
    """Compare two models by which images each gets right, bool (N,) in the same order, N >= 1.

    The interval is Wald's for the difference of paired proportions, without a continuity
    correction (Fleiss, Levin, Paik, "Statistical Methods for Rates and Proportions", 3rd ed.,
    2003, chapter 13). The p-value is two-sided and exact: of the images on which the models
    disagree, each is equally likely to favour either (McNemar, Psychometrika 12, 1947).
    """
    n = len(first)
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    disagreements, surplus = only_first + only_second, only_first - only_second
    difference = surplus / n
    half = _Z * math.sqrt(disagreements - surplus**2 / n) / n
    return PairedComparison(
        n_images=n,
        only_first=only_first,
        only_second=only_second,
        difference=difference,
        interval=(difference - half, difference + half),
        p_value=float(binomtest(only_first, disagreements).pvalue) if disagreements else 1.0,
    )


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
