"""Plans: points known before the first trial, each decided by (seed, index) alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.data.dataset import DatasetInfo
from search.errors import MachineError, UserError
from search.executors import InlineExecutor
from search.recipe import Recipe
from search.tuning.ask_and_tell import TrialQueue
from search.tuning.drawn_points import Params, PlanRequest, grid_points
from search.tuning.drawn_points import random_point as requested_point
from search.tuning.feasibility import Feasibility
from search.tuning.opening import open_study
from search.tuning.points import planned_points
from search.tuning.preparing import prepare
from spaces import BUILT_IN, AdamConfig, Candidate, MLPConfig, Space, load_space
from spaces.parameters import draw

Maker = Callable[..., Recipe]


def _accept(candidate: Candidate) -> str | None:
    del candidate
    return None


def random_point(
    space: Space, seed: int, index: int, find: Callable[[Candidate], str | None]
) -> Params:
    return requested_point(PlanRequest(space, seed, find), index)


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
    short = planned_points(make_recipe(trials=4), space, _accept, 1000).points
    long = planned_points(make_recipe(trials=9), space, _accept, 1000).points
    assert long[:4] == short
    assert long[0] == space.baseline_params


def test_planned_points_replay_to_candidates(space: Space, make_recipe: Maker) -> None:
    """Every point of every sampler makes a candidate again from its parameters alone."""
    for sampler in ("random", "grid"):
        recipe = make_recipe(sampler=sampler, trials=12)
        for point in planned_points(recipe, space, _accept, 1000).points:
            assert isinstance(space.candidate(point), Candidate)


def test_the_grid_is_enumerated_once_in_a_seeded_order(space: Space, make_recipe: Maker) -> None:
    """Each grid point comes once, the baseline first; the seed decides the order only."""
    recipe = make_recipe(sampler="grid", trials=None)
    points = planned_points(recipe, space, _accept, 1000).points
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
    assert planned_points(recipe, space, _accept, 1000).points[0] == random_point(
        space, 0, 0, _accept
    )
    learning = make_recipe(sampler="tpe", with_baseline=False)
    assert planned_points(learning, space, _accept, 1000).points == ()


def test_infeasible_points_are_redrawn(make_recipe: Maker) -> None:
    """A random point that cannot be trained is drawn again; if none can, the user is told why."""
    space = load_space(make_recipe().space)

    def only_sgd(candidate: Candidate) -> str | None:
        return None if candidate.optimizer.name == "sgd" else "not SGD"

    for i in range(20):
        assert random_point(space, 0, i, only_sgd)["optimizer"] == "sgd"
    with pytest.raises(UserError, match=r"none of 1000 random candidates .* too slow"):
        random_point(space, 0, 0, lambda _: "too slow")


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


def _contained(distribution: BaseDistribution, value: Any) -> bool:
    return distribution._contains(distribution.to_internal_repr(value))


_DECIMALS = st.decimals(-1000, 1000, places=3).map(float)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The distribution is specified by")
@given(
    low=_DECIMALS,
    step=st.decimals("0.001", 10, places=3).map(float),
    n_steps=st.integers(0, 2000),
    rest=st.floats(0, 0.9),
    seed=st.integers(0, 2**32 - 1),
)
@example(low=0.0, step=0.1, n_steps=3, rest=0.0, seed=3)
@settings(max_examples=300, deadline=None)
def test_stepped_floats_are_drawn_within_their_range(
    low: float, step: float, n_steps: int, rest: float, seed: int
) -> None:
    """Every step, the last included, is one that Optuna accepts, whether steps fit or not."""
    distribution = FloatDistribution(low, low + (n_steps + rest) * step, step=step)
    rng = np.random.default_rng(seed)
    values = [draw(distribution, rng) for _ in range(20)]
    assert all(_contained(distribution, value) for value in values)


@pytest.mark.slow
@given(
    bounds=st.lists(st.floats(1e-300, 1e300), min_size=2, max_size=2).map(sorted),
    seed=st.integers(0, 2**32 - 1),
    log=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_floats_are_drawn_within_their_range(bounds: list[float], seed: int, log: bool) -> None:
    """However narrow or wide a range is, on a plain and on a log scale."""
    distribution = FloatDistribution(bounds[0], bounds[1], log=log)
    rng = np.random.default_rng(seed)
    assert all(_contained(distribution, draw(distribution, rng)) for _ in range(20))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The distribution is specified by")
@given(
    bounds=st.lists(st.integers(1, 2**53), min_size=2, max_size=2).map(sorted),
    step=st.one_of(st.none(), st.integers(1, 1000)),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=300, deadline=None)
def test_integers_are_drawn_within_their_range(
    bounds: list[int], step: int | None, seed: int
) -> None:
    """In steps, and on a log scale, which has none."""
    distribution = IntDistribution(bounds[0], bounds[1], log=step is None, step=step or 1)
    rng = np.random.default_rng(seed)
    assert all(_contained(distribution, draw(distribution, rng)) for _ in range(20))


def _stepped(low: float, high: float, step: float) -> Space:
    def suggest(trial: optuna.trial.BaseTrial) -> Candidate:
        dropout = trial.suggest_float("drop", low, high, step=step) - low
        model = MLPConfig(hidden_widths=(4,), dropouts=(min(dropout, 0.5),))
        return Candidate(model=model, optimizer=AdamConfig(learning_rate=0.01), batch_size=16)

    return Space("stepped", suggest)


def test_every_step_of_a_range_is_planned(make_recipe: Maker) -> None:
    """0.1 * 3 is more than 0.3, and is drawn as 0.3; all other steps are as Python adds them."""
    recipe, space = make_recipe(trials=100), _stepped(0.0, 0.3, 0.1)
    points = planned_points(recipe, space, _accept, 1000).points
    assert {point["drop"] for point in points} == {0.0, 0.1, 0.2, 0.3}
    assert all(space.distributions(point) for point in points)


def test_a_portfolio_may_have_candidates_that_cannot_be_built(make_recipe: Maker) -> None:
    """They are left out, as all that cannot be trained are."""
    baseline = BUILT_IN["cnn"].baseline_params
    assert baseline is not None
    space = replace(BUILT_IN["cnn"], baseline_params=None, portfolio=(baseline,))
    recipe = make_recipe(sampler="tpe", start="portfolio", trials=2)
    lengths = []
    for side in (32, 2):
        dataset = DatasetInfo("x", "f" * 64, ("a", "b"), (3, side, side), 1000, 100, Path("x"))
        lengths.append(len(planned_points(recipe, space, Feasibility(dataset, None), 800).points))
    assert lengths == [1, 0]


def test_a_refused_point_is_an_error(make_recipe: Maker) -> None:
    """Steps finer than floats can resolve are refused beforehand, and named."""
    space = _stepped(1e8 + 0.1, 1e8 + 10.1, 0.1)
    message = r"space stepped: point \d+ of the plan is refused: parameter 'drop' must be .*, got 1"
    with pytest.raises(UserError, match=message):
        planned_points(make_recipe(trials=50), space, _accept, 1000)


@pytest.mark.slow
def test_a_planned_study_asks_no_sampler(make_recipe: Maker, listener: Any) -> None:
    """Where its point is refused or its trial is taken, an index gets no other point."""
    opened = open_study(prepare(make_recipe(trials=2), InlineExecutor(), listener))
    bad = tuple(dict(point) | {"width": 3} for point in opened.points)
    with pytest.raises(UserError, match="parameter 'width' must be one of 2, 4, 8, got 3"):
        TrialQueue(replace(opened, points=bad)).claim_next()
    queue = TrialQueue(opened)
    queue.queue_ahead(60.0)
    for trial in opened.study.get_trials():
        opened.storage.set_trial_state_values(trial._trial_id, optuna.trial.TrialState.RUNNING)
    with pytest.raises(MachineError, match=r"index 0 .* was started by another program"):
        queue.claim_next()
