"""A search under a time budget ends when the refit needs the rest, and never without a winner."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from search.executors import InlineExecutor
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.budget import Budget, BudgetPlan
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from search.tuning.store import read_study

Maker = Callable[..., Recipe]
_PLAN = BudgetPlan(2, 4, None, 1.0, 1.0)


def _search(recipe: Recipe, listener: Any, seconds: float, elapsed: float) -> StudyRecord:
    """Search by a budget of which some seconds have elapsed before the first trial."""
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    budget = Budget(seconds, time.monotonic() - elapsed, 0.0, 1.0, _PLAN, _PLAN)
    assert run_search(opened, InlineExecutor(), listener, StopRequest(), budget)
    return read_study(opened.study)


@pytest.mark.slow
def test_a_spent_budget_still_trains_one_trial(make_recipe: Maker, listener: Any) -> None:
    """Without a trial there would be nothing to refit; no second one starts."""
    recipe = make_recipe(trials=4, epochs=2, pruner="none")
    record = _search(recipe, listener, seconds=1, elapsed=1000)
    assert [trial.plan for trial in record.complete()] == [0]
    assert {trial.state for trial in record.trials if trial.plan > 0} == {"waiting"}


@pytest.mark.slow
def test_a_budget_with_time_left_trains_the_whole_plan(make_recipe: Maker, listener: Any) -> None:
    """As without a budget."""
    recipe = make_recipe(trials=4, epochs=2, pruner="none")
    record = _search(recipe, listener, seconds=10_000, elapsed=0)
    assert sorted(trial.plan for trial in record.complete()) == [0, 1, 2, 3]
