"""Bootstrap: how uncertain a figure is, given the images that it was measured on.

Images are drawn again with replacement, a hundred times at most and always the same ones, all
resamples in one array. That gives a standard error; a percentile would need many more resamples.
"""

import math

import numpy as np
import numpy.typing as npt

from search.metric import Accuracy, CountMetric, Counts, Floats, Labels, Metric, count_each
from search.seeding import derive_seed
from search.training.history import Confusion

Interval = tuple[float, float]

_MOST = 100  # resamples
_FEWEST = 20
_MOST_DRAWN = 10_000_000  # numbers in the array of all resamples
_Z = 1.959964  # the normal distribution's 97.5% quantile


def bootstrap_interval(metric: Metric, labels: Labels, probabilities: Floats) -> Interval | None:
    """Return the 95% interval of a metric: its value and 1.96 standard errors to either side.

    None where all resamples have the same value, as of a few images that are all predicted rightly:
    they say nothing of other images.

    Args:
        metric: What is measured.
        labels: (N,), N >= 1.
        probabilities: (N, classes).
    """
    weights = _draw(len(labels), size=max(len(labels), _cells(metric, probabilities.shape[1])))
    values = metric.resampled(labels, probabilities, weights)
    if values.min() == values.max():
        return None
    return _around(metric, metric.measure(labels, probabilities), _deviation(values))


def paired_interval(
    metric: CountMetric, labels: Labels, first: Labels, second: Labels, n_classes: int
) -> tuple[float, Interval]:
    """Return by how much a metric differs between two models, and the 95% interval of that.

    Each resample has the same images for both.

    Args:
        metric: What is measured.
        labels: True classes (N,), N >= 1.
        first: Those that the first model predicts.
        second: Those that the second model predicts.
        n_classes: How many classes there are.
    """
    weights = _draw(len(labels), size=max(len(labels), n_classes**2))
    once = np.ones((1, len(labels)), dtype=np.int64)

    def values(predictions: Labels, drawn: Counts) -> Floats:
        return metric.of_many(count_each(labels, predictions, n_classes, drawn))

    gain = float((values(first, once) - values(second, once))[0])
    half = _Z * _deviation(values(first, weights) - values(second, weights))
    return gain, (gain - half, gain + half)


def score_error(
    metric: Metric, score: float, n_images: float, confusion: Confusion | None
) -> float | None:
    """Return the standard error of a score on images that were used once; None if not known.

    Args:
        metric: What the score is: binomial for an accuracy, from a bootstrap for other figures of
            the confusion matrix.
        score: The score.
        n_images: How many images it is of.
        confusion: Their confusion matrix, if it was kept.
    """
    match metric:
        case Accuracy():
            return math.sqrt(score * (1 - score) / n_images)
        case CountMetric() if confusion is not None:
            counts = np.array(confusion)
            return _deviation(metric.of_many(_redraw(counts)))
        case _:
            return None


def _cells(metric: Metric, n_classes: int) -> int:
    return n_classes**2 if isinstance(metric, CountMetric) else 0


def _draw(n_images: int, size: int) -> Counts:
    """Return how often each resample has each image, int64 (B, N)."""
    shares = np.full(n_images, 1 / n_images)
    return _rng().multinomial(n_images, shares, size=_times(size))


def _redraw(counts: Counts) -> Counts:
    """Return resamples of a confusion matrix (B, classes, classes)."""
    n_images, shape = int(counts.sum()), counts.shape
    drawn = _rng().multinomial(n_images, counts.ravel() / n_images, size=_times(counts.size))
    return drawn.reshape(-1, *shape)


def _times(size: int) -> int:
    """Return how many resamples there are of something of this size."""
    return min(_MOST, max(_FEWEST, _MOST_DRAWN // size))


def _rng() -> np.random.Generator:
    return np.random.default_rng(derive_seed(0, "bootstrap"))


def _deviation(values: npt.NDArray[np.float64]) -> float:
    return float(np.std(values, ddof=1))


def _around(metric: Metric, value: float, error: float) -> Interval:
    return metric.clipped(value - _Z * error), metric.clipped(value + _Z * error)
