"""A search that starts from the best candidates of another one."""

from collections.abc import Callable
from typing import Any

import pytest

from search.errors import UserError
from search.executors import InlineExecutor
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.opening import open_study
from search.tuning.preparing import prepare

Maker = Callable[..., Recipe]


@pytest.mark.slow
def test_the_best_of_another_study_come_first(make_recipe: Maker, listener: Any) -> None:
    """After the baseline, best first; a resumed study keeps them whatever became of the other."""
    whole = make_recipe(trials=3, study_name="first", pruner="none")
    first = run_study(whole, listener, executor="inline").record
    best = [trial.params for trial in first.complete() if trial.plan > 0]
    assert len(best) == 2
    recipe = make_recipe(trials=4, study_name="second", start_from="first", seed=9)
    second = run_study(recipe, listener, executor="inline").record
    tried = [trial.params for trial in sorted(second.trials, key=lambda one: one.plan)]
    assert tried[0] == first.trials[0].params
    assert tried[1 : 1 + len(best)] == best
    run_study(whole.model_copy(update={"trials": 5}), listener, executor="inline")
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    assert list(opened.points) == tried


def test_an_unknown_study_is_refused(make_recipe: Maker, listener: Any) -> None:
    """Nothing is left behind."""
    recipe = make_recipe(start_from="nowhere")
    with pytest.raises(UserError, match="start_from: there is no study 'nowhere'"):
        prepare(recipe, InlineExecutor(), listener)
    assert not recipe.runs_dir.exists()


@pytest.mark.slow
def test_a_start_that_cannot_be_planned_leaves_nothing(make_recipe: Maker, listener: Any) -> None:
    """No database and no folder."""
    recipe = make_recipe(max_parameters=1)
    with pytest.raises(UserError, match="max_parameters"):
        prepare(recipe, InlineExecutor(), listener)
    assert not recipe.runs_dir.exists()


@pytest.mark.slow
def test_a_study_without_a_complete_trial_is_no_start(make_recipe: Maker, listener: Any) -> None:
    """Whatever its space."""
    open_study(prepare(make_recipe(study_name="first"), InlineExecutor(), listener))
    recipe = make_recipe(study_name="second", start_from="first")
    with pytest.raises(UserError, match="study 'first' has no complete trial"):
        prepare(recipe, InlineExecutor(), listener)
