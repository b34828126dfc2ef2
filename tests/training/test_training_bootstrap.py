"""Bootstrap: intervals that cover, errors that agree with known formulas, the same every time."""

import math

import numpy as np
import pytest

from search.metric import ACCURACY, METRICS, CountMetric, Metric
from search.training.bootstrap import bootstrap_interval, paired_interval, score_error
from search.user_metric import get_metric

BALANCED = get_metric("balanced-accuracy")


def model(n_images: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, 3:1, and probabilities of a model that is right on about 80%."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n_images) < 0.25).astype(np.int64)
    first = np.clip(0.5 + (0.5 - labels) * 0.5 + rng.normal(size=n_images) * 0.3, 0.01, 0.99)
    return labels, np.c_[first, 1 - first]


def interval(metric: Metric, labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    found = bootstrap_interval(metric, labels, probabilities)
    assert found is not None
    return found


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_intervals_hold_the_value_and_narrow_with_the_images(metric: Metric) -> None:
    """Four times the images halve an interval, about; the same data give the same interval."""
    few, many = interval(metric, *model(400)), interval(metric, *model(1600))
    value = metric.measure(*model(400))
    assert few[0] < value < few[1]
    assert (few[1] - few[0]) / (many[1] - many[0]) == pytest.approx(2, rel=0.4)
    assert bootstrap_interval(metric, *model(400)) == few


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_intervals_stay_within_the_range(metric: Metric) -> None:
    """A perfect model on a handful of images, and a useless one."""
    labels = np.array([0, 0, 1])
    for sure in (np.eye(2)[labels], np.eye(2)[1 - labels]):
        probabilities = 0.98 * sure + 0.01 + np.array([[0.005], [0], [0]]) * [-1, 1]
        found = bootstrap_interval(metric, labels, probabilities)
        if found is not None:
            low, high = found
            assert metric.clipped(low) <= low <= high <= metric.clipped(high)


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_resamples_that_all_agree_say_nothing(metric: Metric) -> None:
    """A perfect model on a handful of images: an interval without width would be too sure."""
    labels = np.array([0, 0, 1, 1])
    found = bootstrap_interval(metric, labels, np.eye(2)[labels])
    if metric.name in ("accuracy", "loss", "balanced-accuracy", "macro-f1"):
        assert found is None
    else:  # where all images drawn are of one class, these have another value
        assert found is None or found[0] < found[1]


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_intervals_cover_about_as_often_as_they_say(metric: Metric) -> None:
    """Of 60 models on images of one source, 51 or more have the true value in their interval."""
    truth = metric.measure(*model(200_000, seed=99))
    covered = 0
    for seed in range(60):
        low, high = interval(metric, *model(150, seed))
        covered += low <= truth <= high
    assert covered >= 51


def test_the_error_of_an_accuracy_is_binomial() -> None:
    assert score_error(ACCURACY, 0.8, 100, None) == pytest.approx(0.04)


def test_the_error_of_a_confusion_matrix_is_that_of_its_classes() -> None:
    """Half the root of the sum of both classes' binomial variances, roughly."""
    counts = ((160, 40), (15, 35))
    expected = math.sqrt(0.8 * 0.2 / 200 + 0.7 * 0.3 / 50) / 2
    assert score_error(BALANCED, 0.75, 250, counts) == pytest.approx(expected, rel=0.25)
    assert score_error(BALANCED, 0.75, 250, None) is None
    assert score_error(get_metric("auroc"), 0.75, 250, counts) is None


def test_pairs_share_their_images() -> None:
    """Of two models that nearly agree, the difference is known better than either value."""
    assert isinstance(BALANCED, CountMetric)
    labels, probabilities = model(500)
    first = probabilities.argmax(axis=1)
    second = np.where(np.arange(500) < 10, 1 - first, first)
    gain, (low, high) = paired_interval(BALANCED, labels, first, second, 2)
    values = [BALANCED.measure(labels, np.eye(2)[one]) for one in (first, second)]
    assert gain == pytest.approx(values[0] - values[1])
    assert low < gain < high
    alone = interval(BALANCED, labels, np.eye(2)[first])
    assert high - low < 0.6 * (alone[1] - alone[0])


def test_equal_models_differ_by_nothing() -> None:
    assert isinstance(BALANCED, CountMetric)
    labels = np.array([0, 1, 1])
    assert paired_interval(BALANCED, labels, labels, labels, 2) == (0.0, (0.0, 0.0))


@pytest.mark.slow
def test_many_classes_are_resampled_in_bounded_memory() -> None:
    """Many classes: fewer resamples, still an interval."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 600, 800)
    probabilities = rng.dirichlet(np.ones(600), 800)
    probabilities[np.arange(400), labels[:400]] = 1  # right on about half of them
    low, high = interval(BALANCED, labels, probabilities)
    assert 0.3 < low < BALANCED.measure(labels, probabilities) < high < 0.7
