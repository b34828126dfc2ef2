"""Points that a space rejects are left out, counted and told; none is trained."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.errors import UserError
from search.executors import InlineExecutor
from search.pipeline import run_study
from search.progress.words import plan_lines
from search.recipe import Recipe
from search.tuning.opening import open_study
from search.tuning.preparing import Plan, prepare
from search.tuning.run_events import PlanMade
from tests.fakes import make_plan
from tests.spaces.user_files import write_space

Maker = Callable[..., Recipe]

SMALLER = """\
first = trial.suggest_categorical("first", [2, 4, 8])
second = trial.suggest_categorical("second", [2, 4, 8])
if second > first:
    raise optuna.TrialPruned("narrowing only")
return make(width=first + second)
"""


@pytest.fixture
def make(make_recipe: Maker, tmp_path: Path) -> Maker:
    """Return a maker of recipes for a space that rejects 3 of its 9 points."""
    space = write_space(tmp_path, SMALLER)
    return lambda **settings: make_recipe(**({"space": space, "epochs": 1} | settings))


def planned(recipe: Recipe, listener: Any) -> Plan:
    return prepare(recipe, InlineExecutor(), listener)


def test_a_grid_is_without_them(make: Maker, listener: Any) -> None:
    """All others are there once, and the number of those that are not is known."""
    plan = planned(make(sampler="grid", trials=None), listener)
    assert len({tuple(point.items()) for point in plan.points}) == len(plan.points) == 6
    assert [reason.split(" (")[0] for reason in plan.rejections] == ["narrowing only"] * 3


def test_random_search_draws_others_instead(make: Maker, listener: Any) -> None:
    """As many as asked for, the same every time, each accepted by the space."""
    plan = planned(make(trials=30), listener)
    assert len(plan.points) == 30
    assert all(point["second"] <= point["first"] for point in plan.points)  # type: ignore[operator]
    assert len(plan.rejections) > 0
    again = planned(make(trials=30), listener)
    assert (again.points, again.rejections) == (plan.points, plan.rejections)
    assert planned(make(trials=9), listener).points == plan.points[:9]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_an_adaptive_sampler_is_asked_again(make: Maker, listener: Any, sampler: str) -> None:
    """What it chose is kept as an infeasible trial with the reason, and takes no trial's place."""
    recipe = make(sampler=sampler, trials=12, pruner="none")
    record = run_study(recipe, listener, executor="inline").record
    rejected = [trial for trial in record.trials if trial.infeasible]
    assert [trial.state for trial in record.trials].count("complete") == 12
    assert rejected
    assert all(trial.reason == "narrowing only (line 13)" for trial in rejected)


def test_the_plan_tells_how_many_and_why(make: Maker, listener: Any) -> None:
    """Before anything is trained, in words and as an event; a space without them says nothing."""
    opened = open_study(planned(make(sampler="grid", trials=None), listener))
    plan = replace(make_plan(sampler="grid"), rejections=opened.rejections)
    told = "; the space rejected 3 other points, as in: narrowing only (line 13);"
    assert told in dict(plan_lines(plan))["study"]
    assert PlanMade(plan).fields()["rejected"] == 3
    assert "rejected" not in {*PlanMade(make_plan()).fields(), *dict(plan_lines(make_plan()))}


def test_a_grid_of_nothing_is_refused(make_recipe: Maker, tmp_path: Path, listener: Any) -> None:
    """A plan without a point would be done at once."""
    suggest = 'x = trial.suggest_int("x", 0, 99)\nif x in (0, 49, 50, 99):\n    raise ValueError\n'
    space = write_space(tmp_path, f"{suggest}return make(width=x)")
    with pytest.raises(UserError, match="rejects every point that sampler 'grid' would try"):
        planned(make_recipe(space=space, sampler="grid", trials=None), listener)
    assert len(planned(make_recipe(space=space), listener).points) == 5


def test_a_bug_that_shows_late_ends_the_run_in_one_line(
    make_recipe: Maker, tmp_path: Path, listener: Any
) -> None:
    """It is no rejection: the user has to mend it."""
    suggest = 'x = trial.suggest_float("x", 0.0, 1.0)\n'
    space = write_space(tmp_path, f"{suggest}return make() if x in (0, 0.5, 1) else None.width")
    with pytest.raises(UserError, match=r"AttributeError: .*\(line 11: "):
        run_study(make_recipe(space=space), listener, executor="inline")
