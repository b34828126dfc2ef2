"""Priors: values stay in range and on their steps, and are drawn as often as they say."""

import math
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.seeding import derive_seed
from spaces import BUILT_IN, Candidate, CNNConfig, SGDConfig, Space
from spaces.parameters import canonicalize
from spaces.prior import Belief, Bell, BySize, InformedTrial, Prior, Weights

_SPACES = list(BUILT_IN.values())


def _draw(space: Space, beliefs: Mapping[str, Belief], seed: int) -> InformedTrial:
    trial = InformedTrial(beliefs, lambda name: np.random.default_rng(derive_seed(seed, name)))
    space.suggest(trial)
    return trial


@pytest.mark.parametrize("space", _SPACES, ids=lambda space: space.name)
def test_a_built_in_prior_draws_points_of_its_space(space: Space) -> None:
    """Every value drawn lies in its range, whatever the dataset's size."""
    assert space.prior is not None
    for seed in range(50):
        trial = _draw(space, space.prior.for_images(100 * (seed + 1)), seed)
        for name, distribution in trial.distributions.items():
            canonicalize(name, distribution, trial.params[name])


@pytest.mark.parametrize("space", _SPACES, ids=lambda space: space.name)
def test_a_built_in_prior_is_about_parameters_of_its_space(space: Space) -> None:
    """A belief about no parameter would never be used."""
    assert space.prior is not None
    assert set(space.prior.beliefs) <= {parameter.name for parameter in space.parameters()}


def test_weights_are_drawn_in_proportion() -> None:
    """A choice with three times the weight comes three times as often; one without never."""
    choices = CategoricalDistribution(("a", "b", "c"))
    rng = np.random.default_rng(0)
    counts = Counter(Weights({"a": 3, "b": 1}).draw(choices, rng) for _ in range(4000))
    assert counts["c"] == 0
    assert counts["a"] / counts["b"] == pytest.approx(3, rel=0.15)


def test_choices_that_no_weight_knows_are_equally_likely() -> None:
    """A space of other choices is searched as without a prior."""
    choices = CategoricalDistribution((1, 2))
    counts = Counter(Weights({3: 1}).draw(choices, np.random.default_rng(i)) for i in range(400))
    assert abs(counts[1] - counts[2]) < 80


def test_a_bell_on_a_log_scale_is_symmetric_in_factors() -> None:
    """Its median is the center, and the spread is a factor."""
    distribution = FloatDistribution(1e-6, 1e2, log=True)
    rng = np.random.default_rng(0)
    values = [Bell(0.01, 10).draw(distribution, rng) for _ in range(3000)]
    logs = [math.log10(value) for value in values if isinstance(value, float)]
    assert np.median(logs) == pytest.approx(-2, abs=0.1)
    assert np.std(logs) == pytest.approx(1, abs=0.1)


@given(
    low=st.integers(-50, 50),
    steps=st.integers(1, 30),
    step=st.sampled_from((0.05, 0.1, 0.25, 1 / 3)),
    center=st.floats(-100, 100),
    seed=st.integers(0, 2**31),
)
def test_a_bell_stays_in_range_and_on_steps(
    low: int, steps: int, step: float, center: float, seed: int
) -> None:
    """Also where the bell lies outside of the range."""
    with warnings.catch_warnings():  # Optuna lowers an end that is on no step
        warnings.simplefilter("ignore")
        distribution = FloatDistribution(low, low + steps * step, step=step)
    value = Bell(center, 1.0).draw(distribution, np.random.default_rng(seed))
    assert isinstance(value, float)
    assert distribution._contains(distribution.to_internal_repr(value))


def test_a_bell_of_integers_gives_integers() -> None:
    """On a log scale and on a linear one."""
    for distribution in (IntDistribution(1, 9), IntDistribution(16, 128, log=True)):
        value = Bell(30, 2).draw(distribution, np.random.default_rng(0))
        assert isinstance(value, int)


def test_beliefs_of_the_wrong_kind_are_refused() -> None:
    """Weights are for choices, bells for numbers."""
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="categorical"):
        Weights({1: 1}).draw(IntDistribution(1, 2), rng)
    with pytest.raises(TypeError, match="number"):
        Bell(1, 1).draw(CategoricalDistribution((1, 2)), rng)


@pytest.mark.parametrize(
    ("n_train", "largest"), [(100, 32), (1280, 64), (1279, 32), (2560, 128), (10**6, 256)]
)
def test_small_datasets_get_small_batches(n_train: int, largest: int) -> None:
    """An epoch has at least 20 steps, unless even the smallest batch is too large for that."""
    sizes = CategoricalDistribution((32, 64, 128, 256, 512))
    prior = Prior({"batch_size": Weights({32: 1, 64: 1, 128: 1, 256: 1})})
    belief = prior.for_images(n_train)["batch_size"]
    rng = np.random.default_rng(0)
    drawn = {belief.draw(sizes, rng) for _ in range(200)}
    assert max(size for size in drawn if isinstance(size, int)) == largest


def test_a_belief_may_depend_on_the_number_of_images() -> None:
    """From the limit on the other one holds."""
    few, many = Weights({"none": 1}), Weights({"flip": 1})
    prior = Prior({"augmentation": BySize(few, 10_000, many)})
    assert prior.for_images(9_999) == {"augmentation": few}
    assert prior.for_images(10_000) == {"augmentation": many}


@pytest.mark.parametrize(("n_train", "size"), [(10**6, 512), (2560, 128), (300, 32)])
def test_a_point_is_fitted_to_a_dataset(n_train: int, size: int) -> None:
    """Only the batch size changes, and it never grows."""
    space = BUILT_IN["mlp"]
    point = {**(space.baseline_params or {}), "batch_size": 512}
    assert space.fit_batch_size(point, n_train) == {**point, "batch_size": size}


@pytest.mark.parametrize("space", _SPACES, ids=lambda space: space.name)
def test_a_built_in_portfolio_holds_different_points_of_its_space(space: Space) -> None:
    """None is the baseline, which is tried before them."""
    baselines = [space.baseline_params] if space.baseline_params else []
    points = [*baselines, *space.portfolio]
    candidates = {space.candidate(point).model_dump_json() for point in points}
    assert len(candidates) == len(points) >= 5


@pytest.mark.parametrize("space", _SPACES, ids=lambda space: space.name)
def test_a_point_is_narrowed_to_the_least_width(space: Space) -> None:
    """Only widths change, each no further than its range."""
    point = narrowed = space.portfolio[0]
    for _ in range(40):
        narrowed = space.narrow(narrowed, 0.8)
    ranges = space.distributions(narrowed)
    assert {name for name in point if point[name] != narrowed[name]} == set(space.widths)
    for name in space.widths:
        distribution = ranges[name]
        assert isinstance(distribution, IntDistribution)
        assert narrowed[name] == distribution.low


@pytest.mark.parametrize(
    ("belief", "distribution", "words"),
    [
        (Bell(0.2, 0.15), FloatDistribution(0, 1), "near 0.2 (+- 0.15)"),
        (Bell(1000, 1.8), IntDistribution(64, 2048, log=True), "near 1000 (factor 1.8)"),
        (
            Weights({"a": 1, "b": 3, "c": 0}),
            CategoricalDistribution(("a", "b", "c")),
            "b 75%, a 25%",
        ),
        (
            BySize(Weights({"a": 1}), 10_000, Weights({"b": 1})),
            CategoricalDistribution(("a", "b")),
            "a 100%; from 10,000 images on b 100%",
        ),
    ],
)
def test_beliefs_are_put_into_words(
    belief: Belief | BySize, distribution: BaseDistribution, words: str
) -> None:
    assert belief.words(distribution) == words


def test_a_width_among_choices_becomes_the_next_smaller_one() -> None:
    """Until there is none."""

    def suggest(trial: Any) -> Candidate:
        width = trial.suggest_categorical("width", (64, 16, 32))
        return Candidate(model=CNNConfig(channels=(width,)), optimizer=SGDConfig(learning_rate=0.1))

    space = Space("narrow", suggest, widths=("width",))
    points: list[Mapping[str, Any]] = [{"width": 64}]
    for _ in range(3):
        points.append(space.narrow(points[-1], 0.9))
    assert [point["width"] for point in points] == [64, 32, 16, 16]
