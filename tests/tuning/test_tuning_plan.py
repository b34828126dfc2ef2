"""Plans: points known before the first trial, each decided by (seed, index) alone."""

from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.errors import UserError
from search.recipe import Recipe
from search.tuning.points import draw, grid_points, random_point
from search.tuning.preparing import planned_points
from spaces import BUILT_IN, Candidate, Space, load_space

Maker = Callable[..., Recipe]


def _accept(candidate: Candidate) -> str | None:
    del candidate
    return None


@pytest.fixture(params=["mlp", "cnn", "user"])
def space(request: pytest.FixtureRequest, make_recipe: Maker) -> Space:
    """Return every built-in space and a user's own."""
    name: str = request.param
    return load_space(make_recipe().space) if name == "user" else BUILT_IN[name]


def test_a_random_point_depends_on_seed_and_index_alone(space: Space) -> None:
    """The same (seed, index) gives the same point, another seed or index another one."""
    points = [random_point(space, 7, i, _accept) for i in range(20)]
    assert points == [random_point(space, 7, i, _accept) for i in range(20)]
    assert len({str(point) for point in points}) == 20
    assert points[3] != random_point(space, 8, 3, _accept)


def test_a_longer_plan_begins_with_the_shorter_one(space: Space, make_recipe: Maker) -> None:
    """Raising the number of trials changes no point that was planned before."""
    short = planned_points(make_recipe(trials=4), space, _accept)
    long = planned_points(make_recipe(trials=9), space, _accept)
    assert long[:4] == short
    assert long[0] == space.baseline_params


def test_planned_points_replay_to_candidates(space: Space, make_recipe: Maker) -> None:
    """Every point of every sampler makes a candidate again from its parameters alone."""
    for sampler in ("random", "grid"):
        for point in planned_points(make_recipe(sampler=sampler, trials=12), space, _accept):
            assert isinstance(space.candidate(point), Candidate)


def test_the_grid_is_enumerated_once_in_a_seeded_order(space: Space, make_recipe: Maker) -> None:
    """Each grid point comes once, the baseline first; the seed decides the order only."""
    recipe = make_recipe(sampler="grid", trials=None)
    points = planned_points(recipe, space, _accept)
    keys = [str(sorted(point.items())) for point in points]
    grid = {str(sorted(point.items())) for point in space.grid()}
    assert len(keys) == len(set(keys))
    assert set(keys) - grid <= {str(sorted((space.baseline_params or {}).items()))}
    assert grid <= set(keys)
    assert grid_points(space, 1) != grid_points(space, 2)
    assert sorted(map(str, grid_points(space, 1))) == sorted(map(str, grid_points(space, 2)))


def test_without_the_baseline_every_point_is_drawn(make_recipe: Maker) -> None:
    """`with_baseline = false` leaves the plan to the sampler; TPE then has none."""
    space = load_space(make_recipe().space)
    recipe = make_recipe(with_baseline=False, trials=3)
    assert planned_points(recipe, space, _accept)[0] == random_point(space, 0, 0, _accept)
    assert planned_points(make_recipe(sampler="tpe", with_baseline=False), space, _accept) == []


def test_objections_are_drawn_around(make_recipe: Maker) -> None:
    """A random point that cannot be trained is drawn anew; if none can, the user is told why."""
    space = load_space(make_recipe().space)

    def only_sgd(candidate: Candidate) -> str | None:
        return None if candidate.optimizer.name == "sgd" else "not SGD"

    for i in range(20):
        assert random_point(space, 0, i, only_sgd)["optimizer"] == "sgd"
    with pytest.raises(UserError, match=r"none of 1000 random candidates .* too dear"):
        random_point(space, 0, 0, lambda _: "too dear")


DISTRIBUTIONS: list[BaseDistribution] = [
    CategoricalDistribution(["a", "b", None, 3]),
    IntDistribution(1, 9, step=4),
    IntDistribution(1, 100, log=True),
    FloatDistribution(0.1, 0.5, step=0.2),
    FloatDistribution(1e-5, 1e-1, log=True),
    FloatDistribution(-1.0, 2.0),
    FloatDistribution(0.3, 0.3),
]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_draws_lie_in_the_distribution_and_reach_all_of_it(distribution: BaseDistribution) -> None:
    """Every draw is contained, the ends are approached, and log scales are drawn in logs."""
    rng = np.random.default_rng(0)
    values = [draw(distribution, rng) for _ in range(2000)]
    assert all(distribution._contains(distribution.to_internal_repr(v)) for v in values)
    match distribution:
        case CategoricalDistribution():
            assert set(values) == set(distribution.choices)
        case IntDistribution(log=False):
            assert set(values) == {1, 5, 9}
        case FloatDistribution(log=True):
            small = sum(isinstance(v, float) and v < 1e-3 for v in values)
            assert 900 < small < 1100


def test_points_are_accepted_by_optuna_as_waiting_trials(space: Space) -> None:
    """A planned point can be stored with its distributions, as the queue does."""
    point = random_point(space, 0, 0, _accept)
    trial = optuna.trial.create_trial(
        state=optuna.trial.TrialState.WAITING,
        params=dict(point),
        distributions=space.distributions(point),
    )
    assert trial.params == point
