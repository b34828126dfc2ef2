"""Leads of one trial over another, and the errors of means over folds."""

import math
from statistics import stdev

import numpy as np
import pytest
from scipy.stats import t as student

from search.report.findings.winner import SearchBaseline
from search.report.lead import Lead, fold_mean_error, lead_over
from tests.report import report_fakes as fakes


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_the_error_is_that_of_nadeau_and_bengio(folds: int) -> None:
    """With k folds a test set is 1/(k - 1) of its training set."""
    values = [0.1 * i**2 for i in range(folds)]
    expected = stdev(values) * math.sqrt(1 / folds + 1 / (folds - 1))
    assert fold_mean_error(values, 1 / folds) == pytest.approx(expected)


def test_the_error_follows_the_statistic_of_the_corrected_resampled_t_test() -> None:
    """Ten differences of a paired comparison by ten-fold cross-validation, worked out by hand."""
    differences = [0.02, 0.01, 0.03, 0.00, 0.02, 0.01, 0.02, 0.04, 0.01, 0.02]
    error = fold_mean_error(differences, 0.1)
    assert error == pytest.approx(0.011353 * math.sqrt(0.1 + 1 / 9), rel=1e-3)
    assert not Lead(0.018, error, 10).within_noise
    assert Lead(0.011, error, 10).within_noise


@pytest.mark.parametrize("n_folds", [2, 3, 10])
def test_noise_reaches_as_far_as_students_t(n_folds: int) -> None:
    limit = float(student.ppf(0.975, n_folds - 1))
    assert Lead(0.99 * limit, 1.0, n_folds).within_noise
    assert not Lead(1.01 * limit, 1.0, n_folds).within_noise
    assert Lead(-0.99 * limit, 1.0, n_folds).within_noise
    assert Lead(limit, 1.0, n_folds).p_value == pytest.approx(0.05)
    assert Lead(limit, 1.0, n_folds, among=3).p_value == pytest.approx(0.15)


def test_on_a_holdout_noise_reaches_as_far_as_the_normal_distribution() -> None:
    assert Lead(1.95, 1.0, 1).within_noise
    assert not Lead(1.97, 1.0, 1).within_noise
    assert Lead(1.0, None, 1).within_noise is None


def test_folds_that_do_not_differ_have_no_noise() -> None:
    """Every fold says the same lead; equal trials are still no lead."""
    assert not Lead(0.1, 0.0, 3).within_noise
    assert Lead(0.0, 0.0, 3).within_noise
    assert (Lead(0.1, 0.0, 3).p_value, Lead(0.0, 0.0, 3).p_value) == (0.0, 1.0)
    assert Lead(0.1, None, 1).p_value is None


def test_a_smaller_loss_leads() -> None:
    record = fakes.study_record([], recipe={"metric": "loss"})
    better, worse = (
        fakes.complete_trial(0, [0.5], mean=0.4),
        fakes.complete_trial(1, [0.5], mean=0.6),
    )
    lead = lead_over(record, better, worse)
    assert lead is not None
    assert lead.gap == pytest.approx(0.2)
    assert lead.error is None
    assert lead_over(record, better, fakes.other_trial(2, "failed")) is None


def test_folds_that_only_one_of_them_has_do_not_count() -> None:
    record = fakes.study_record([], recipe={"validation": "kfold", "folds": 3})
    three = fakes.complete_trial(0, [0.9], [0.5], [0.7])
    two = fakes.complete_trial(1, [0.8], [0.3])
    lead = lead_over(record, three, two)
    assert lead is not None
    assert lead.n_folds == 2
    assert lead.error == pytest.approx(fold_mean_error([0.1, 0.2], 1 / 3))


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        (0.895, "within noise"),
        (0.5, "beyond noise"),
    ],
)
def test_the_hand_tuned_trial_is_told_to_be_within_noise(behind: float, words: str) -> None:
    """A lead over it that chance makes too is not told as a victory."""
    trials = [fakes.complete_trial(0, [behind]), fakes.complete_trial(1, [0.9])]
    found = SearchBaseline.of(fakes.evidence(fakes.study_record(trials)))
    assert found is not None
    assert f", {words} (one of two may be " in found.outcome
    assert found.close is (words == "within noise")


def test_equal_trials_are_rarely_told_apart() -> None:
    """Fold scores that share most of their training images: noise of folds is correlated."""
    generator = np.random.default_rng(3)
    folds, share = 5, 0.2
    told = 0
    for _ in range(2000):
        # Differences have the correlation that the factor assumes, n_test / (n_test + n_train).
        shared = generator.normal() * math.sqrt(share)
        differences = shared + generator.normal(size=folds) * math.sqrt(1 - share)
        lead = Lead(float(differences.mean()), fold_mean_error(differences.tolist(), share), folds)
        told += not lead.within_noise
    assert told / 2000 <= 0.065
