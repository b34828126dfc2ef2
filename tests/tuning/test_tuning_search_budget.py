"""A search under a time budget ends when the refit needs the rest, and never without a winner."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from search.executors import InlineExecutor
from search.recipe import Recipe
from search.stopping import StopRequest
from search.training.history import FoldEpoch, History
from search.tuning.ask_and_tell import TrialQueue
from search.tuning.budget import Budget, BudgetPlan
from search.tuning.opening import open_study, with_stored_plan
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.run import run_search
from search.tuning.run_events import PlanExtended, TrialEnded
from search.tuning.search_clock import SearchClock
from search.tuning.store import read_study
from tests.study_fixtures import EventRecorder

Maker = Callable[..., Recipe]
_PLAN = BudgetPlan(2, 4, None, 1.0, 1.0)


def _search(
    recipe: Recipe, listener: Any, seconds: float, elapsed: float, most_trials: int = 0
) -> StudyRecord:
    """Search by a budget of which some seconds have elapsed before the first trial."""
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    started = time.monotonic() - elapsed
    budget = Budget(seconds, started, 0.0, 1.0, _PLAN, _PLAN, most_trials=most_trials)
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


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_time_that_is_left_buys_more_trials(
    sampler: str, make_recipe: Maker, listener: EventRecorder
) -> None:
    """Those that a longer plan would have had, in its order; the study stores the longer plan."""
    recipe = make_recipe(trials=3, epochs=1, pruner="none", sampler=sampler)
    record = _search(recipe, listener, seconds=10_000, elapsed=0, most_trials=6)
    assert sorted(trial.plan for trial in record.complete()) == list(range(6))
    assert (record.recipe.trials, record.n_planned()) == (6, 6)
    assert [event.n_planned for event in listener.all(PlanExtended)] == [4, 5, 6]
    longer = make_recipe(trials=6, epochs=1, pruner="none", sampler=sampler, study_name="longer")
    expected = _search(longer, listener, seconds=10_000, elapsed=0)
    assert [one.params for one in record.trials] == [one.params for one in expected.trials]
    listener.events.clear()
    again = _search(
        make_recipe(trials=6, epochs=1, pruner="none", sampler=sampler),
        listener, seconds=10_000, elapsed=0, most_trials=9,
    )  # fmt: skip
    assert again.n_planned() == 6
    assert not listener.all(TrialEnded)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_longer_plan_survives_an_outage(
    sampler: str, make_recipe: Maker, listener: EventRecorder
) -> None:
    """The search goes on with what the study stores, not with what it began with."""
    recipe = make_recipe(trials=3, epochs=1, pruner="none", sampler=sampler)
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    assert with_stored_plan(opened) is opened
    before = TrialQueue(opened)
    assert before.plan_more()
    assert before.plan_more()
    after = with_stored_plan(opened)
    assert after.recipe.trials == 5
    assert TrialQueue(after).n_planned == before.n_planned == 5
    assert after.points[: len(opened.points)] == opened.points


@pytest.mark.slow
def test_a_grid_has_no_more_points(make_recipe: Maker, listener: EventRecorder) -> None:
    """However much time is left."""
    recipe = make_recipe(sampler="grid", trials=None, epochs=1, pruner="none", with_baseline=False)
    record = _search(recipe, listener, seconds=10_000, elapsed=0, most_trials=100)
    assert len(record.complete()) == record.n_planned() == 9
    assert not listener.all(PlanExtended)


def _trial(seconds: float, **changes: Any) -> TrialRecord:
    start = datetime(2025, 6, 1, tzinfo=UTC)
    trial = TrialRecord(
        number=0, plan=0, attempt=0, state="complete", params={}, started=start,
        finished=start + timedelta(seconds=seconds),
    )  # fmt: skip
    return replace(trial, **changes)


def _history(seconds: float) -> History:
    return History(((FoldEpoch(1.0, 0.5, 1.0, 0.5, 0.01, seconds),),))


def test_no_trial_starts_that_is_unlikely_to_end(make_recipe: Maker) -> None:
    """By the mean of what the others took; copies and failures took no training."""
    recipe = make_recipe(epochs=2, pruner="none")
    budget = Budget(100.0, time.monotonic() - 50, 10.0, 1.0, _PLAN, _PLAN, most_trials=9)
    clock = SearchClock(recipe, math.inf, budget)  # 40 s are left

    def starts(*, first: bool = False) -> bool:
        return clock.may_start(_trial(0), 8, first=first)

    assert starts()
    assert not clock.may_plan_more(_trial(0), 4)  # nothing has ended in this run
    clock.note(_trial(30))
    assert starts()
    assert clock.may_plan_more(_trial(0), 4)
    assert not clock.may_plan_more(_trial(0), 9)
    for ignored in (_trial(900, state="failed"), _trial(900, same_as=3)):
        clock.note(ignored)
    assert starts()
    clock.note(_trial(60))
    assert not starts()
    assert starts(first=True)
    assert not SearchClock(recipe, 0.0, None).may_start(None, 0, first=True)


def test_rounds_of_all_trials_need_time_after_the_last_start(make_recipe: Maker) -> None:
    """However short the trials are, and none is planned beyond the others."""
    recipe = make_recipe(epochs=2, pruner="asha")
    for elapsed, starts in ((50, True), (60, False)):
        budget = Budget(100.0, time.monotonic() - elapsed, 10.0, 1.0, _PLAN, _PLAN, most_trials=9)
        clock = SearchClock(recipe, math.inf, budget)
        clock.note(_trial(1, history=_history(0.5)))
        assert clock.may_start(_trial(0), 8, first=False) == starts
        assert not clock.may_plan_more(_trial(0), 4)


def test_one_of_nine_starts_if_it_could_continue_to_its_end(make_recipe: Maker) -> None:
    """What counts is what whole trainings took, without waiting for others."""
    recipe = make_recipe(epochs=2, pruner="sync-halving", workers=2)
    budget = Budget(100.0, time.monotonic() - 50, 10.0, 1.0, _PLAN, _PLAN, most_trials=9)
    clock = SearchClock(recipe, math.inf, budget)  # 40 s are left
    clock.note(_trial(900, state="pruned", history=_history(2.0)))
    assert clock.may_start(_trial(0), 0, first=False)
    assert not clock.may_plan_more(_trial(0), 4), "it is unknown what a whole training takes"
    clock.note(_trial(900, history=_history(15.0)))
    assert clock.may_start(_trial(0), 0, first=False)
    assert clock.may_plan_more(_trial(0), 4)
    clock.note(_trial(900, history=_history(51.0)))  # 33 s on the mean, and 9 looks of 1 s
    assert not clock.may_start(_trial(0), 9, first=False), "it is the first of nine"
    assert clock.may_start(_trial(0), 17, first=False), "it is the last"
