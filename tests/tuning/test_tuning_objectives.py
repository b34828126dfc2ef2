"""Whole searches with several objectives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.catalog.listing import ListedStudy
from search.errors import UserError
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.run_events import TrialEnded

Maker = Callable[..., Recipe]
TRADE = {"objective": "accuracy,parameters,multiply_adds"}


@pytest.mark.slow
def test_a_planned_search_is_the_same_with_more_objectives(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """The same points, curves and scores; Optuna has a value for each objective."""
    plain = run_study(make_recipe(pruner="none", trials=3, epochs=2), listener, executor="inline")
    recipe = make_recipe(trials=3, epochs=2, **TRADE)
    recipe = recipe.model_copy(update={"runs_dir": tmp_path / "other"})
    traded = run_study(recipe, listener, executor="inline")
    assert traded.record.recipe.pruner == "none"
    for one, other in zip(plain.record.trials, traded.record.trials, strict=True):
        assert (one.params, one.value, one.fold_scores) == (
            other.params, other.value, other.fold_scores,
        )  # fmt: skip
        frozen = traded.study.trials[other.number]
        assert frozen.values == [other.value, other.n_parameters, other.costs["multiply_adds"]]
        assert frozen.intermediate_values == plain.study.trials[one.number].intermediate_values
    names = ["maximize", "minimize", "minimize"]
    assert [one.name.lower() for one in traded.study.directions] == names
    assert traded.study.metric_names == ["validation accuracy", "parameters", "multiply-adds"]
    assert traded.record.winner() == traded.record.complete()[0]
    assert len(traded.study.best_trials) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_adaptive_samplers_learn_from_all_objectives(
    sampler: str, make_recipe: Maker, listener: Any
) -> None:
    recipe = make_recipe(sampler=sampler, trials=13, epochs=1, batch=2, **TRADE)
    record = run_study(recipe, listener, executor="inline").record
    assert len(record.complete()) == 13
    assert all(trial.costs["parameters"] == trial.n_parameters for trial in record.complete())


@pytest.mark.slow
def test_another_rule_takes_another_winner_from_the_same_trials(
    make_recipe: Maker, listener: Any
) -> None:
    """The rule is no setting that decides trials: the same study goes on with another one."""
    first = run_study(make_recipe(trials=4, epochs=2, **TRADE), listener, executor="inline").record
    smallest = "best parameters over 0% accuracy"
    second = run_study(
        make_recipe(trials=4, epochs=2, choose=smallest, **TRADE), listener, executor="inline"
    ).record
    assert second.trials == first.trials
    winner = second.winner()
    assert winner is not None
    assert winner.n_parameters == min(trial.n_parameters or 0 for trial in first.complete())
    assert second.refit is not None
    assert second.refit.trial == winner.number
    assert second.test is not None


@pytest.mark.slow
def test_nobody_wins_where_no_trial_meets_the_rule(make_recipe: Maker, listener: Any) -> None:
    """The test set stays sealed; the same trials may win by another rule."""
    rule = "best accuracy under 1 parameters"
    recipe = make_recipe(trials=2, epochs=1, choose=rule, **TRADE)
    with pytest.raises(
        UserError, match=r"meets choose .* \(parameters: [0-9,]+ or more\)"
    ) as caught:
        run_study(recipe, listener, executor="inline")
    assert "another `choose`" in str(caught.value)
    record = run_study(make_recipe(trials=2, epochs=1, **TRADE), listener, executor="inline").record
    assert record.winner() is not None
    assert len(record.openings) == 1


@pytest.mark.slow
def test_objectives_cannot_change(make_recipe: Maker, listener: Any) -> None:
    run_study(make_recipe(trials=1, epochs=1, pruner="none"), listener, executor="inline")
    with pytest.raises(UserError, match="objective none is now 'accuracy,parameters"):
        run_study(make_recipe(trials=1, epochs=1, **TRADE), listener, executor="inline")


@pytest.mark.slow
def test_latency_is_measured_where_it_is_an_objective(make_recipe: Maker, listener: Any) -> None:
    """In milliseconds, for complete trials and copies; not otherwise."""
    recipe = make_recipe(trials=2, epochs=1, objective="loss,latency", choose="best latency")
    outcome = run_study(recipe, listener, executor="inline")
    assert outcome.record.recipe.metric == "loss"
    for trial in outcome.record.complete():
        assert 0 < trial.costs["latency"] < 1000
        assert outcome.study.trials[trial.number].values == [trial.value, trial.costs["latency"]]


@pytest.mark.slow
def test_events_and_list_tell_of_objectives(make_recipe: Maker, listener: Any) -> None:
    """New fields only where there are several, so that others read what they always read."""
    outcome = run_study(make_recipe(trials=1, epochs=1, **TRADE), listener, executor="inline")
    (trial,) = outcome.record.trials
    assert TrialEnded(trial).fields()["costs"] == trial.costs
    assert {"parameters", "multiply_adds"} == trial.costs.keys()
    listed = ListedStudy.of("a", outcome.study.user_attrs, outcome.study.get_trials(deepcopy=False))
    assert (listed.best, listed.damaged) == (trial.value, False)
