"""One network against several trainings of another."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.seeds import compare_seeds


def test_figures_by_hand() -> None:
    """With two trainings Student's t has one degree of freedom, a Cauchy distribution."""
    compared = compare_seeds(0.9, [0.7, 0.8])
    assert compared is not None
    assert (compared.trainings, compared.mean, compared.difference) == pytest.approx(
        (2, 0.75, 0.15)
    )
    assert compared.std == pytest.approx(0.1 / math.sqrt(2))
    away = 0.15 / compared.std
    tail = math.atan(away / math.sqrt(1.5)) / math.pi
    assert compared.p_value == pytest.approx(1 - 2 * tail)
    assert compared.probability == pytest.approx(0.5 + math.atan(away / math.sqrt(3.5)) / math.pi)


def test_many_trainings_are_a_normal_distribution() -> None:
    trainings = [0.5 + 0.01 * NormalDist().inv_cdf((i + 0.5) / 5000) for i in range(5000)]
    compared = compare_seeds(0.52, trainings)
    assert compared is not None
    assert compared.p_value == pytest.approx(0.0455, abs=0.001)
    assert compared.probability == pytest.approx(NormalDist().cdf(2 / math.sqrt(3)), abs=0.001)


@pytest.mark.parametrize("trainings", [[], [0.7], [0.7, 0.7, 0.7]])
def test_without_scatter_there_is_nothing_to_compare_with(trainings: list[float]) -> None:
    """Trainings with the same accuracy do not prove that seeds make no difference."""
    assert compare_seeds(0.9, trainings) is None


@given(
    st.floats(0, 1),
    st.lists(st.floats(0, 1), min_size=2, max_size=8, unique_by=lambda value: round(value, 3)),
)
def test_worse_is_the_mirror_image_of_better(single: float, trainings: list[float]) -> None:
    better = compare_seeds(single, trainings)
    worse = compare_seeds(1 - single, [1 - one for one in trainings])
    assert better is not None
    assert worse is not None
    assert better.p_value == pytest.approx(worse.p_value, abs=1e-6)
    assert better.probability == pytest.approx(1 - worse.probability, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 5])
def test_one_more_training_is_rarely_called_different(n: int) -> None:
    """The test holds its level with very few trainings, where a normal distribution would not."""
    results = 0.7 + 0.01 * np.random.default_rng(n).normal(size=(2000, n + 1))
    compared = [compare_seeds(float(row[0]), row[1:].tolist()) for row in results]
    claimed = sum(one is not None and one.p_value <= 0.05 for one in compared)
    assert 0.035 <= claimed / len(results) <= 0.065
