"""Budgets by what the machine was found to take, and searches that nobody said the length of."""

from collections.abc import Callable
from typing import Any

import pytest

from search.errors import UserError
from search.executors import InlineExecutor
from search.executors.probes import Price, WarmUp
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from tests.tuning.searches import Priced


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "poor", "rich"),
    [
        ({}, "none", "sync-halving"),
        ({"epochs": 8}, "halving", "sync-halving"),
        ({"trials": 26}, "none", "none"),
        ({"pruner": "asha"}, "asha", "asha"),
        ({"sampler": "tpe"}, "none", "none"),
    ],
)
def test_a_budget_compares_early_where_there_is_time_for_many(
    settings: dict[str, Any],
    poor: str,
    rich: str,
    make_recipe: Callable[..., Recipe],
    listener: Any,
    priced: Priced,
) -> None:
    """An image takes a second: an hour buys a trial or so, ten years what anybody needs."""
    priced(1.0)
    wanted = make_recipe(trials=None).model_dump(exclude_unset=True)
    kept = {name: one for name, one in wanted.items() if name not in ("pruner", "epochs")}
    for budget, pruner in ((3600.0, poor), (3e8, rich)):
        given = Recipe(**{**kept, **settings, "budget": budget})
        assert prepare(given, InlineExecutor(), listener).recipe.pruner == pruner


@pytest.mark.slow
def test_a_refit_is_priced_by_what_further_threads_gain(
    make_recipe: Callable[..., Recipe], listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is measured, as networks differ; threads that only disturb each other gain nothing."""
    wanted = make_recipe(trials=None, threads=1).model_dump(exclude_unset=True)
    settings = {name: one for name, one in wanted.items() if name not in ("pruner", "epochs")}
    recipe = Recipe(**settings, budget=3600.0)
    ratios = {}
    for gain in (1.0, 1.6, 0.5):

        def prices(warm_up: WarmUp, _: object, gain: float = gain) -> tuple[Price, ...]:
            seconds = 1e-3 / (gain if warm_up.threads > 1 else 1.0)
            return (Price(1000, seconds),) * len(warm_up.candidates)

        with monkeypatch.context() as patch:
            patch.setattr(WarmUp, "run", prices)
            patch.setattr("joblib.cpu_count", lambda: 2)
            budget = prepare(recipe, InlineExecutor(), listener).budget
        assert budget is not None
        ratios[gain] = budget.refit_ratio
    assert ratios[1.6] == pytest.approx(ratios[1.0] / 1.6)
    assert ratios[0.5] == ratios[1.0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, 3600.0), ({"budget": 60.0}, 60.0), ({"epochs": 8}, None), ({"trials": 9}, None),
        ({"timeout": 60.0}, None), ({"sampler": "grid"}, None), ({"finalists": 2}, 3600.0),
    ],
)  # fmt: skip
def test_who_says_nothing_of_time_has_an_hour(
    settings: dict[str, Any],
    seconds: float | None,
    make_recipe: Callable[..., Recipe],
    listener: Any,
    priced: Priced,
) -> None:
    """It is stored as what limits the study, whether or not this run trains anything."""
    priced(1e-6)
    wanted = make_recipe().model_dump(exclude_unset=True, exclude={"trials", "epochs"}) | settings
    for budgeted in (False, True):
        plan = prepare(Recipe(**wanted), InlineExecutor(), listener, budgeted=budgeted)
        assert plan.recipe.budget == seconds
        assert (plan.budget is not None) is (budgeted and seconds is not None)
        if plan.budget is not None:
            assert plan.budget.by_default is ("budget" not in settings)


@pytest.mark.slow
@pytest.mark.parametrize("stored", [None, 60.0, 7200.0])
def test_a_study_that_is_resumed_without_a_length_keeps_its_own(
    stored: float | None,
    make_recipe: Callable[..., Recipe],
    listener: Any,
    priced: Priced,
) -> None:
    """Its budget, which counts anew, its trials and epochs; not the hour of a new search."""
    priced(1e-6)
    recipe = make_recipe(trials=2, epochs=2, study_name="mine")
    study = run_study(recipe, listener, executor="inline").study
    study.set_user_attr("recipe", study.user_attrs["recipe"] | {"budget": stored})
    wanted = recipe.model_dump(exclude_unset=True, exclude={"trials", "epochs", "pruner"})
    plan = prepare(Recipe(**wanted), InlineExecutor(), listener)
    assert plan.recipe.budget == stored
    assert (plan.budget is not None) is (stored is not None)
    resumed = open_study(plan).recipe
    assert (resumed.trials, resumed.epochs, resumed.pruner) == (2, 2, "halving")


@pytest.mark.slow
def test_a_study_without_a_trial_has_no_length_to_keep(
    make_recipe: Callable[..., Recipe], listener: Any, priced: Priced
) -> None:
    """It is made anew."""
    priced(1e-6)
    recipe = make_recipe(trials=2, study_name="mine")
    study = open_study(prepare(recipe, InlineExecutor(), listener)).study
    study.set_user_attr("recipe", study.user_attrs["recipe"] | {"budget": 60.0})
    wanted = recipe.model_dump(exclude_unset=True, exclude={"trials", "epochs", "pruner"})
    assert prepare(Recipe(**wanted), InlineExecutor(), listener).recipe.budget == 3600


@pytest.mark.slow
def test_a_grid_under_a_budget_has_no_more_trials_than_points(
    make_recipe: Callable[..., Recipe], listener: Any, priced: Priced
) -> None:
    """However much time there is."""
    priced(1e-9)
    wanted = make_recipe(sampler="grid").model_dump(exclude_unset=True, exclude={"trials"})
    plan = prepare(Recipe(**wanted, budget=3600.0), InlineExecutor(), listener)
    assert plan.budget is not None
    assert plan.budget.plan.trials == plan.budget.further.trials == len(plan.points)


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "short"), [(20.0, True), (3600.0, False)])
def test_a_budget_knows_whether_it_is_too_short(
    seconds: float,
    short: bool,
    make_recipe: Callable[..., Recipe],
    listener: Any,
    priced: Priced,
) -> None:
    """An image takes a tenth of a second, so that one epoch takes longer than the shorter one."""
    priced(0.1)
    wanted = make_recipe().model_dump(exclude_unset=True, exclude={"trials", "epochs", "pruner"})
    budget = prepare(Recipe(**wanted, budget=seconds), InlineExecutor(), listener).budget
    assert budget is not None
    assert budget.is_short is short


@pytest.mark.slow
@pytest.mark.parametrize(("alone", "expected"), [(2e-3, 2e-3), (5e-4, 1e-3)])
def test_networks_that_are_slower_than_others_of_their_size(
    alone: float,
    expected: float,
    make_recipe: Callable[..., Recipe],
    listener: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All are taken to be as slow as the one that is measured by itself, but never faster."""

    def prices(warm_up: WarmUp, _: object) -> tuple[Price, ...]:
        seconds = alone if len(warm_up.candidates) == 1 else 1e-3
        return (Price(1000, seconds),) * len(warm_up.candidates)

    monkeypatch.setattr(WarmUp, "run", prices)
    wanted = make_recipe().model_dump(exclude_unset=True, exclude={"trials", "epochs", "pruner"})
    budget = prepare(Recipe(**wanted, budget=3600.0), InlineExecutor(), listener).budget
    assert budget is not None
    assert {one.image_seconds for one in budget.plan.prices} == {expected}


def test_a_limit_that_nothing_meets_names_the_least_that_is_needed(
    make_recipe: Callable[..., Recipe], listener: Any
) -> None:
    """Under a budget as without one."""
    messages = []
    for settings in ({"budget": 60.0, "trials": None}, {"trials": 2}):
        recipe = make_recipe(**settings, max_multiply_adds=1)
        with pytest.raises(UserError, match=r"needs is [\d,]+ multiply-adds") as caught:
            _ = prepare(recipe, InlineExecutor(), listener).points
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
