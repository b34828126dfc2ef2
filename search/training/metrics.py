"""The figures of an evaluation, computed from predictions."""

import operator
from dataclasses import dataclass
from typing import Annotated, final

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.special import log_softmax
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from search.metric import ACCURACY, LOSS, METRICS, CountMetric, Metric
from search.training.bootstrap import bootstrap_interval

_IMBALANCED = 1.2  # times its fair share that the largest class has


@final
@dataclass(frozen=True)
class ClassResult:
    """Precision, recall and F1 (fractions) of one class, with its number of test images."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@final
@dataclass(frozen=True)
class Mistake:
    """A test image that the model got wrong: its index in the test split and both classes."""

    index: int
    true_class: int
    predicted_class: int
    probability: float


@final
@dataclass(frozen=True)
class Measure:
    """A metric, by its name, on the test images, with its 95% interval: `low` to `high`.

    Both are None where a bootstrap says nothing, as all its resamples have the same value.
    """

    metric: str
    value: float
    low: float | None
    high: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return both ends of the interval; None: there is none."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@final
@dataclass(frozen=True)
class LargestClass:
    """The class that has the most images, and its share of them."""

    name: str
    share: float


@final
@dataclass(frozen=True)
class TestResult:
    """The figures of the test set.

    `interval` is the accuracy's 95% Wilson interval. `confusion[i][j]` counts images of class i
    predicted as j. `confused_pairs` are (true, predicted, count), most frequent first. `mistakes`
    are the most confident errors, most confident first. `measures` are all metrics, and the
    study's own, with intervals: accuracy's is Wilson's, others are from a bootstrap of the images.
    Older studies stored none.
    """

    __test__ = False  # not a test case

    accuracy: float
    interval: tuple[float, float]
    loss: float
    n_images: int
    classes: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]
    confused_pairs: tuple[tuple[str, str, int], ...]
    mistakes: tuple[Mistake, ...]
    measures: Annotated[tuple[Measure, ...], Field(exclude_if=operator.not_)] = ()

    def measure(self, metric: Metric) -> Measure | None:
        """Return what was stored of a metric; None if nothing was."""
        return next((one for one in self.measures if one.metric == metric.name), None)

    def value(self, metric: Metric) -> float | None:
        """Return a metric's value; None if it is not known, as of some metrics in older studies."""
        if metric in (ACCURACY, LOSS):
            return {ACCURACY: self.accuracy, LOSS: self.loss}[metric]
        stored = self.measure(metric)
        if stored is not None:
            return stored.value
        counts = np.array(self.confusion)
        return metric.of_counts(counts) if isinstance(metric, CountMetric) else None

    def shares(self) -> list[float]:
        """Return each class's share of the images."""
        return [one.support / self.n_images for one in self.classes]

    def largest_class(self) -> LargestClass:
        """Return the largest class: what always answering it is worth."""
        largest = max(self.classes, key=lambda one: one.support)
        return LargestClass(largest.name, largest.support / self.n_images)

    def majority(self) -> LargestClass | None:
        """Return the largest class if it is clearly larger than the others."""
        largest = self.largest_class()
        return largest if largest.share * len(self.classes) >= _IMBALANCED else None

    def __repr__(self) -> str:
        """Return the figures in one line."""
        low, high = self.interval
        return (
            f"<TestResult: accuracy {self.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}), "
            f"loss {self.loss:.4f}, on {self.n_images:,} images>"
        )


def always_right(largest: LargestClass) -> str:
    """Say what always answering the largest class is worth."""
    return f"always answering “{largest.name}” is right on {100 * largest.share:.1f}%"


def evaluate_predictions(
    logits: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    class_names: tuple[str, ...],
    metric: Metric = ACCURACY,
) -> TestResult:
    """Return the figures of (N, classes) logits against (N,) labels.

    All of `METRICS` are measured, and the study's `metric`.
    """
    n = len(labels)
    log_probabilities = log_softmax(logits.astype(np.float64), axis=1)
    predictions = logits.argmax(axis=1)
    correct = int((predictions == labels).sum())
    interval = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    wilson = (float(interval.low), float(interval.high))
    classes = range(len(class_names))
    confusion = confusion_matrix(labels, predictions, labels=classes)
    scores = precision_recall_fscore_support(labels, predictions, labels=classes, zero_division=0)
    return TestResult(
        accuracy=correct / n,
        interval=wilson,
        loss=float(-log_probabilities[np.arange(n), labels].mean()),
        n_images=n,
        classes=tuple(
            ClassResult(name, float(p), float(r), float(f1), int(support))
            for name, p, r, f1, support in zip(class_names, *scores, strict=True)
        ),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        confused_pairs=_confused_pairs(confusion, class_names),
        mistakes=_mistakes(np.exp(log_probabilities), predictions, labels),
        measures=_measures(metric, labels, np.exp(log_probabilities), wilson),
    )


def _measures(
    own: Metric,
    labels: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float64],
    wilson: tuple[float, float],
) -> tuple[Measure, ...]:
    metrics = METRICS if own in METRICS else (own, *METRICS)
    return tuple(_measure(one, labels, probabilities, wilson) for one in metrics)


def _measure(
    metric: Metric,
    labels: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float64],
    wilson: tuple[float, float],
) -> Measure:
    is_accuracy = metric is ACCURACY
    both = wilson if is_accuracy else bootstrap_interval(metric, labels, probabilities)
    return Measure(metric.name, metric.measure(labels, probabilities), *(both or (None, None)))


def _confused_pairs(
    confusion: npt.NDArray[np.int64], names: tuple[str, ...], most: int = 10
) -> tuple[tuple[str, str, int], ...]:
    pairs = [
        (names[i], names[j], int(confusion[i, j]))
        for i in range(len(names))
        for j in range(len(names))
        if i != j and confusion[i, j] > 0
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair[2])[:most])


def _mistakes(
    probabilities: npt.NDArray[np.float64],
    predictions: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    most: int = 24,
) -> tuple[Mistake, ...]:
    wrong = np.flatnonzero(predictions != labels)
    confidence = probabilities[wrong, predictions[wrong]]
    order = np.argsort(-confidence, kind="stable")[:most]
    return tuple(
        Mistake(
            int(i), int(labels[i]), int(predictions[i]), float(probabilities[i, predictions[i]])
        )
        for i in wrong[order]
    )
