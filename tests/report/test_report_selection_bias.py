"""How much the best of many flatters: by hand, and where the truth is known."""

import math

import numpy as np
import pytest

from search.report.findings.optimism import greatest_bias, overstatement, selection_bias


def test_bias_by_hand() -> None:
    """Each fold's regret of the common choice, averaged: (0.30 - 0.20 + 0.10 - 0.10) / 2."""
    errors = np.array([[0.30, 0.20, 0.40], [0.10, 0.30, 0.20]])
    assert selection_bias(errors) == pytest.approx(0.05)


@pytest.mark.parametrize("errors", [[[0.3, 0.2, 0.4]], [[0.3], [0.1]], [[0.1, 0.2], [0.2, 0.3]]])
def test_nothing_to_estimate_gives_zero(errors: list[list[float]]) -> None:
    """One fold, one choice, or folds that agree on the best show no bias."""
    assert selection_bias(np.array(errors)) == 0.0


@pytest.mark.parametrize("n_folds", [2, 3, 5])
def test_correction_comes_nearer_to_the_truth_in_pure_noise(n_folds: int) -> None:
    """With candidates all alike, the corrected error is on average nearer to the true one."""
    studies = 0.3 + 0.01 * np.random.default_rng(0).normal(size=(300, n_folds, 40))
    raw = np.array([study.mean(axis=0).min() for study in studies])
    corrected = raw + np.array([selection_bias(study) for study in studies])
    assert abs(corrected.mean() - 0.3) < 0.9 * abs(raw.mean() - 0.3)


@pytest.mark.parametrize("n_folds", [2, 4, 10])
def test_overstatement_is_what_noise_shows(n_folds: int) -> None:
    """The estimate is sqrt(K) - 1 times the bias: too little of 2 folds, too much of 10."""
    studies = np.random.default_rng(1).normal(size=(400, n_folds, 30))
    true = -np.mean([study.mean(axis=0).min() for study in studies])
    estimate = np.mean([selection_bias(study) for study in studies])
    assert estimate / true == pytest.approx(overstatement(n_folds), rel=0.1)


def test_bound_by_hand() -> None:
    """A single choice has no bias, and more images or fewer choices lower the bound."""
    assert greatest_bias(1, 100) == 0.0
    assert greatest_bias(20, 10_000) == pytest.approx(math.sqrt(math.log(20) / 20_000))
    assert greatest_bias(10, 100) < greatest_bias(20, 100)


@pytest.mark.parametrize("accuracy", [0.5, 0.9])
def test_bound_holds_for_equal_candidates(accuracy: float) -> None:
    """The best of 50 equal candidates on 200 images lies above the truth by less than the bound."""
    draws = np.random.default_rng(2).binomial(200, accuracy, size=(500, 50)) / 200
    bias = draws.max(axis=1).mean() - accuracy
    assert 0 < bias < greatest_bias(50, 200)
