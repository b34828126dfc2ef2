"""The figures of the test evaluation against values computed by hand."""

import json
import math

import numpy as np
import numpy.typing as npt
import pytest

from search.training.metrics import TestResult, evaluate_predictions
from search.tuning.store import from_plain, to_plain

NAMES = ("ant", "bee", "cat")


def logits_of(predictions: list[int], margin: float = 2.0) -> npt.NDArray[np.float32]:
    """Return logits that favour each predicted class by `margin`."""
    return margin * np.eye(len(NAMES), dtype=np.float32)[predictions]


def evaluate(labels: list[int], predictions: list[int]) -> TestResult:
    return evaluate_predictions(logits_of(predictions), np.array(labels), NAMES)


LABELS = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
PREDICTIONS = [0, 0, 1, 1, 1, 1, 0, 2, 2, 1]


def test_accuracy_and_confusion() -> None:
    """Row i of the confusion matrix counts images of class i, column j what they were called."""
    result = evaluate(LABELS, PREDICTIONS)
    assert result.accuracy == 0.6
    assert result.n_images == 10
    assert result.confusion == ((2, 2, 0), (1, 2, 0), (0, 1, 2))


def test_loss_is_mean_cross_entropy() -> None:
    """The loss is the mean of -log p(true class), in natural logarithms."""
    normaliser = math.log(math.exp(2) + 2)
    expected = (6 * (normaliser - 2) + 4 * normaliser) / 10
    assert evaluate(LABELS, PREDICTIONS).loss == pytest.approx(expected)


def test_loss_of_huge_logits_is_finite() -> None:
    """Confidence beyond what exp can hold neither overflows nor becomes NaN."""
    result = evaluate_predictions(logits_of([1, 0], margin=1e4), np.array([0, 0]), NAMES)
    assert result.loss == pytest.approx(5e3)
    assert [mistake.probability for mistake in result.mistakes] == [1.0]


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        (8, 10, 0.4901625, 0.9433178),  # Wilson (1927); the values of R's binom.wilson
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (50, 100, 0.4038315, 0.5961685),
    ],
)
def test_interval_is_wilsons(correct: int, n: int, low: float, high: float) -> None:
    """The interval has its known values, also where all or none are right."""
    result = evaluate([0] * n, [0] * correct + [1] * (n - correct))
    assert result.interval == pytest.approx((low, high), abs=1e-6)


def test_class_figures() -> None:
    """Precision, recall, F1 and support of each class, named in order."""
    ant, bee, cat = evaluate(LABELS, PREDICTIONS).classes
    assert (ant.name, bee.name, cat.name) == NAMES
    assert (ant.precision, ant.recall, ant.support) == pytest.approx((2 / 3, 1 / 2, 4))
    assert (bee.precision, bee.recall, bee.support) == pytest.approx((2 / 5, 2 / 3, 3))
    assert (cat.precision, cat.recall, cat.support) == pytest.approx((1, 2 / 3, 3))
    assert (ant.f1, bee.f1, cat.f1) == pytest.approx((4 / 7, 1 / 2, 4 / 5))


def test_absent_class_has_zeros_and_its_place() -> None:
    """A class that is neither there nor predicted keeps its row, with zeros and no warning."""
    result = evaluate([0, 2, 2], [0, 2, 0])
    bee = result.classes[1]
    assert (bee.precision, bee.recall, bee.f1, bee.support) == (0, 0, 0, 0)
    assert result.confusion == ((1, 0, 0), (0, 0, 0), (1, 0, 1))


def test_confused_pairs_come_most_frequent_first() -> None:
    """Pairs are (true, predicted, count) by falling count; those that never occur are left out."""
    pairs = evaluate(LABELS, PREDICTIONS).confused_pairs
    assert pairs == (("ant", "bee", 2), ("bee", "ant", 1), ("cat", "bee", 1))


def test_mistakes_come_most_confident_first() -> None:
    """Each mistake has its index, both classes and the probability of what it was called."""
    logits = logits_of([0, 1, 1, 2])
    logits[2] *= 3
    logits[3] *= 0.5
    result = evaluate_predictions(logits, np.array([0, 0, 2, 0]), NAMES)
    found = [(m.index, m.true_class, m.predicted_class) for m in result.mistakes]
    assert found == [(2, 2, 1), (1, 0, 1), (3, 0, 2)]
    expected = [math.exp(x) / (math.exp(x) + 2) for x in (6, 2, 1)]
    assert [m.probability for m in result.mistakes] == pytest.approx(expected)


def test_only_some_mistakes_are_kept() -> None:
    """A hopeless model does not fill the report: the 24 most confident errors are kept."""
    assert len(evaluate([0] * 100, [1] * 100).mistakes) == 24


def test_perfect_predictions() -> None:
    """Without an error there are neither mistakes nor confused pairs."""
    result = evaluate([0, 1, 2, 1], [0, 1, 2, 1])
    assert result.accuracy == 1
    assert result.mistakes == ()
    assert result.confused_pairs == ()
    assert all((one.precision, one.recall, one.f1) == (1, 1, 1) for one in result.classes)


def test_json_keeps_the_result() -> None:
    """A result comes back from JSON exactly as it was."""
    result = evaluate(LABELS, PREDICTIONS)
    text = json.dumps(to_plain(result), allow_nan=False)
    assert from_plain(TestResult, json.loads(text)) == result
