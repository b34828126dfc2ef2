"""What the report says of the test evaluation."""

import math

import numpy as np
import pytest

from search.errors import MachineError
from search.report.info.confusion import confusion_info
from search.report.info.mistakes import mistakes_info
from search.training import metrics
from tests.report import report_fakes as fakes


def small_result() -> metrics.TestResult:
    """Return five images of three classes, two of them wrong; class c never occurs."""
    labels = np.array([0, 0, 0, 0, 1])
    predicted = np.array([0, 0, 0, 1, 2])
    logits = (4 * np.eye(3))[predicted].astype(np.float32)
    return metrics.evaluate_predictions(logits, labels, ("a", "b", "c"))


def test_rows_are_percentages_of_the_true_class() -> None:
    """Each row adds up to 100, but an empty one is 0 and not a division by zero."""
    info = confusion_info(small_result())
    assert info is not None
    assert info.counts == ((3, 1, 0), (0, 0, 1), (0, 0, 0))
    assert info.row_percentages == ((75, 25, 0), (0, 0, 100), (0, 0, 0))
    assert info.class_names == ("a", "b", "c")


def test_mistakes_have_names_and_probability() -> None:
    """Each image comes with its class, the model's, and how sure the model was."""
    images = np.zeros((2, 3, 4, 4), np.uint8)
    info = mistakes_info(small_result(), images)
    assert info is not None
    assert set(zip(info.true_names, info.predicted_names, strict=True)) == {("a", "b"), ("b", "c")}
    assert info.probabilities == pytest.approx([math.exp(4) / (math.exp(4) + 2)] * 2)


def test_mistakes_of_another_test_are_refused() -> None:
    """Images that do not match the recorded mistakes would be shown under wrong names."""
    with pytest.raises(MachineError, match="3 images are stored for 2 recorded mistakes"):
        mistakes_info(small_result(), np.zeros((3, 3, 4, 4), np.uint8))


def test_nothing_before_the_test(unfinished: fakes.Fake) -> None:
    """Without a test there is neither a confusion matrix nor a mistake."""
    assert confusion_info(unfinished.record.test) is None
    assert mistakes_info(None, np.zeros((3, 3, 4, 4), np.uint8)) is None
    assert mistakes_info(small_result(), None) is None
