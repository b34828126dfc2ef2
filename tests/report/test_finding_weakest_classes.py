"""The weakest classes."""

from dataclasses import replace

import numpy as np

from search.report.findings.classes import WeakClass, WeakestClasses
from search.training.metrics import TestResult, evaluate_predictions
from tests.report import report_fakes as fakes


def weakest(test: TestResult | None) -> WeakestClasses | None:
    return WeakestClasses.of(fakes.evidence(replace(fakes.study_record([]), test=test)))


def test_weakest_classes_are_named_with_what_they_are_taken_for() -> None:
    """Classes below the accuracy come worst first; those above it are not weak."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    predicted = np.array([1, 1, 2, 0, 1, 1, 0, 1, 2, 2])
    logits = np.eye(3, dtype=np.float32)[predicted]
    found = weakest(evaluate_predictions(logits, labels, ("cat", "<dog>", "ship")))
    assert found is not None
    assert found.classes == (
        WeakClass(name="cat", n_images=4, right=1, called="<dog>", n_called=2),
    )
    (words,) = found.sentences()
    assert "cat (25.0% of 4 images correct; 2 predicted as <dog>)" in words


def test_a_perfect_model_has_no_weak_class() -> None:
    """Nothing wrong is nothing to name; before the test there is nothing either."""
    labels = np.array([0, 1])
    perfect = evaluate_predictions(np.eye(2, dtype=np.float32), labels, ("a", "b"))
    assert weakest(perfect) is None
    assert weakest(None) is None
