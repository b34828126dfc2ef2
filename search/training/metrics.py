"""The figures of an evaluation, computed from predictions."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support


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
class TestResult:
    """The figures of the test set.

    `interval` is the accuracy's 95% Wilson interval. `confusion[i][j]` counts images of class i
    predicted as j. `confused_pairs` are (true, predicted, count), most frequent first. `mistakes`
    are the most confident errors, most confident first.
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


def evaluate_predictions(
    logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], class_names: tuple[str, ...]
) -> TestResult:
    """Return the figures of (N, classes) logits against (N,) labels."""
    n = len(labels)
    log_probabilities = log_softmax(logits.astype(np.float64), axis=1)
    predictions = logits.argmax(axis=1)
    correct = int((predictions == labels).sum())
    interval = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    classes = range(len(class_names))
    confusion = confusion_matrix(labels, predictions, labels=classes)
    scores = precision_recall_fscore_support(labels, predictions, labels=classes, zero_division=0)
    return TestResult(
        accuracy=correct / n,
        interval=(float(interval.low), float(interval.high)),
        loss=float(-log_probabilities[np.arange(n), labels].mean()),
        n_images=n,
        classes=tuple(
            ClassResult(name, float(p), float(r), float(f1), int(support))
            for name, p, r, f1, support in zip(class_names, *scores, strict=True)
        ),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        confused_pairs=_confused_pairs(confusion, class_names),
        mistakes=_mistakes(np.exp(log_probabilities), predictions, labels),
    )


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
