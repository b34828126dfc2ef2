"""What every sampler is."""

from typing import Any

import pytest

from search.recipe import Recipe
from search.tuning.drawn_points import Params, PlanRequest
from search.tuning.points import planned_points
from search.tuning.pruners import get_pruner
from search.tuning.samplers import SAMPLERS, Sampler, get_sampler
from spaces import BUILT_IN, Candidate


@pytest.fixture(params=SAMPLERS, ids=lambda sampler: sampler.name)
def sampler(request: pytest.FixtureRequest) -> Sampler:
    one: Sampler = request.param
    return one


def _feasible(candidate: Candidate) -> None:
    del candidate


def _points(sampler: Sampler, trials: int, seed: int = 0) -> list[Params]:
    recipe = Recipe(space="mlp", sampler=sampler.name, trials=trials, seed=seed)
    return list(planned_points(recipe, BUILT_IN["mlp"], _feasible, 1000).points)


def test_points_are_repeatable_and_extend(sampler: Sampler) -> None:
    """The same seed gives the same points, and more trials change none of them."""
    points = _points(sampler, 6)
    assert points == _points(sampler, 6)
    assert _points(sampler, 9)[: len(points)] == points
    assert sampler.n_planned(points, 6) == 6


def test_only_adaptive_samplers_ask_optuna(sampler: Sampler) -> None:
    """What is planned is never silently drawn by another sampler."""
    if sampler.adaptive:
        assert sampler.optuna_sampler(0) is not None
        assert sampler.n_fixed(with_baseline=True) == len(_points(sampler, 6)) == 1
    else:
        with pytest.raises(TypeError, match=f"'{sampler.name}' plans all its points"):
            sampler.optuna_sampler(0)
        assert sampler.n_fixed(with_baseline=True) is None


def test_static_facts_fit_together(sampler: Sampler) -> None:
    """Defaults are ones that a recipe accepts, and racing is refused with the sampler's reason."""
    assert get_pruner(sampler.default_pruner)
    assert sampler.words
    settings: dict[str, Any] = {"space": "mlp", "sampler": sampler.name, "validation": "kfold"}
    Recipe(**settings, pruner=sampler.default_pruner, trials=sampler.default_trials)
    if sampler.no_racing is None:
        Recipe(**settings, racing=True)
    else:
        with pytest.raises(ValueError, match=f"'{sampler.name}'"):
            Recipe(**settings, racing=True)


def test_samplers_are_found_by_name() -> None:
    """An unknown one is refused, and never taken for random search."""
    assert [get_sampler(one.name) for one in SAMPLERS] == list(SAMPLERS)
    names = ", ".join(one.name for one in SAMPLERS)
    with pytest.raises(ValueError, match=f"one of {names}, got 'another'"):
        get_sampler("another")


@pytest.mark.parametrize("most", [1, 3, 500])
def test_points_are_counted_as_they_are_planned(sampler: Sampler, most: int) -> None:
    """A grid has so many and no more; the others always find another one."""
    space = BUILT_IN["mlp"].with_ranges(hidden_width_1=(64, 65), batch_size=(32, 64))
    first = (BUILT_IN["mlp"].portfolio[0], next(space.grid()))  # one of the grid, one besides
    request = PlanRequest(space, 0, _feasible, trials=most, first=first)
    expected = len(sampler.points(request)) if sampler.enumerates else most
    assert sampler.n_points(request, most) == expected
