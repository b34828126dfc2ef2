"""Under a time budget the refit is as long as there is time for, by what the winner takes."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from search.evaluation.finishing import plan_horizon
from search.executors import InlineExecutor
from search.executors.probes import Price, WarmUp
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.budget import Budget, BudgetPlan
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.run import run_search
from search.tuning.store import read_study

_PLAN = BudgetPlan(2, 4, None, 1.0, 1.0)
_EPOCHS = 2  # of a trial


@pytest.mark.slow
@pytest.mark.parametrize("ensemble", [None, 2])
def test_the_refit_is_as_long_as_the_winner_allows(
    make_recipe: Callable[..., Recipe],
    listener: Any,
    monkeypatch: pytest.MonkeyPatch,
    ensemble: int | None,
) -> None:
    """Its epochs are measured with all cores, those of an ensemble's networks added up."""
    recipe = make_recipe(trials=3, epochs=_EPOCHS, pruner="none", ensemble=ensemble)
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    assert run_search(opened, InlineExecutor(), listener, StopRequest())
    winner = read_study(opened.study).winner()
    assert winner is not None
    assert winner.candidate is not None
    measured: list[WarmUp] = []

    def prices(warm_up: WarmUp, _: object) -> tuple[Price, ...]:
        measured.append(warm_up)
        return (Price(1000, 10.0 / opened.dataset.n_train),) * len(warm_up.candidates)

    monkeypatch.setattr(WarmUp, "run", prices)
    monkeypatch.setattr("joblib.cpu_count", lambda: 5)
    horizons = []
    for seconds in (1e6, 205.0, 1.0):
        opened.study.set_user_attr("refit_horizon", None)
        budget = Budget(seconds, time.monotonic(), 0.0, 1.0, _PLAN, _PLAN)
        horizons.append(plan_horizon(opened, budget, InlineExecutor()))
    assert horizons == [40, 20 if ensemble is None else 10, _EPOCHS]
    assert {one.threads for one in measured} == {5}
    assert measured[0].candidates[0] == winner.candidate.model_dump_json()
    assert len(measured[0].candidates) == (ensemble or 1)
