"""The estimate of a search's time: scaled, a range, and without a trace in the results."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch

from cifar_models import CNNConfig, MLPConfig, multiply_adds
from search.events import Event
from search.executors.probes import Price, interpolate
from search.pipeline import locked_run
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.plan import PlanInfo
from search.tuning.records import StudyRecord
from search.tuning.run_events import PlanMade
from tests.study_fixtures import EventRecorder

pytestmark = pytest.mark.slow

MakeRecipe = Callable[..., Recipe]


def run(recipe: Recipe, plans: list[PlanInfo] | None = None) -> StudyRecord:
    heard, estimate = EventRecorder(), plans is not None
    with locked_run(recipe, heard, StopRequest(), executor="inline", estimate=estimate) as done:
        if plans is not None:
            plans += [event.plan for event in heard.all(PlanMade)]
        return done.record


def results(record: StudyRecord) -> list[Any]:
    """Return all that is repeatable of a study: everything but times."""
    histories = [*(trial.history for trial in record.trials)]
    histories += [record.refit.history] if record.refit is not None else []
    epochs = [fold for one in histories for folds in one.epochs for fold in folds]
    curves = [dataclasses.replace(fold, seconds=0.0) for fold in epochs]
    test = None if record.test is None else (record.test.accuracy, record.test.loss)
    return [(t.params, t.state, t.value) for t in record.trials] + [curves, test]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_study_with_and_without_the_estimate_ends_alike(
    make_recipe: MakeRecipe, sampler: str
) -> None:
    """The warm-up draws from generators of its own: not a bit of a curve is another."""
    plain = run(make_recipe(study_name="plain", sampler=sampler, trials=4))
    plans: list[PlanInfo] = []
    told = run(make_recipe(study_name="told", sampler=sampler, trials=4), plans)
    assert results(told) == results(plain)
    assert plans[0].estimate is not None


def test_the_warm_up_leaves_generators_and_threads_as_they_are(make_recipe: MakeRecipe) -> None:
    """Whoever draws or computes after it, in this process, does as if there had been none."""
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    states: list[torch.Tensor] = []

    def tell(event: Event) -> None:
        if not isinstance(event, PlanMade):
            return
        assert event.plan.estimate is not None
        assert torch.get_num_threads() == threads
        states.append(torch.random.get_rng_state())

    recipe = make_recipe(trials=1)
    with locked_run(recipe, tell, StopRequest(), executor="inline", estimate=True):
        assert torch.equal(states[0], state)


def test_a_study_that_goes_on_is_judged_by_its_trials(make_recipe: MakeRecipe) -> None:
    """There is no further warm-up, and finished trials are not counted again."""
    plans: list[PlanInfo] = []
    run(make_recipe(trials=2), plans)
    run(make_recipe(trials=4), plans)
    run(make_recipe(trials=4), plans)
    assert [(plan.n_done, plan.n_planned) for plan in plans] == [(0, 2), (2, 4), (4, 4)]
    kinds = [None if plan.estimate is None else plan.estimate.measured for plan in plans]
    assert kinds == ["warm-up", "trials", None]
    assert all(0 < e.low <= e.high for plan in plans if (e := plan.estimate) is not None)


def test_a_budget_ends_the_estimate(make_recipe: MakeRecipe) -> None:
    """The refit takes what the search leaves, and a tiny network's has time to spare."""
    plans: list[PlanInfo] = []
    run(make_recipe(trials=2, budget=600.0), plans)
    (plan,) = plans
    assert plan.estimate is not None
    assert plan.budget is not None
    assert 0 < (plan.estimate.within or 0) < 600 - plan.budget.closing_seconds
    assert plan.estimate.high < (plan.estimate.within or 0)


def test_a_warm_up_that_fails_does_not_end_the_search(
    make_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan says why there is no estimate, and the trials show what is the matter."""

    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("search.executors.probes.WarmUp.run", fail)
    plans: list[PlanInfo] = []
    record = run(make_recipe(trials=1), plans)
    assert (plans[0].estimate, plans[0].unknown) == (None, "RuntimeError: out of memory")
    assert record.test is not None


def test_a_grid_is_told_with_its_size(make_recipe: MakeRecipe) -> None:
    """How many points are visited, and of how many."""
    plans: list[PlanInfo] = []
    run(make_recipe(sampler="grid", trials=2), plans)
    assert (plans[0].n_planned, plans[0].n_grid) == (2, 9)


@pytest.mark.parametrize(
    "model",
    [
        MLPConfig(hidden_widths=(5, 7), dropouts=(0.0, 0.0)),
        CNNConfig(channels=(4, 6)),
        CNNConfig(channels=(4, 6), kernel_size=5, pooling="overlapping_max", pool_first=True),
        CNNConfig(channels=(3,), head="global_average", pooling="average"),
    ],
)
def test_multiplications_are_those_of_the_shapes(model: MLPConfig | CNNConfig) -> None:
    """Counted from the outputs of a real forward pass, layer by layer."""
    counts = []

    def count(module: torch.nn.Module, _: object, outputs: torch.Tensor) -> None:
        weight = getattr(module, "weight", None)
        if weight is not None and weight.ndim > 1:
            counts.append(weight.numel() * outputs[0, 0].numel())

    network = model.build((3, 9, 13), 4).eval()
    for module in network:
        module.register_forward_hook(count)
    network(torch.zeros(1, 3, 9, 13))
    assert multiply_adds(model, (3, 9, 13), 4) == sum(counts)


def test_the_throughput_lies_between_what_was_measured() -> None:
    """Small networks take what the smallest does, larger ones than any in proportion."""
    measured = {100: 1.0, 300: 2.0}
    seconds = [interpolate(measured, n) for n in (10, 100, 200, 300, 900)]
    assert seconds == [1.0, 1.0, 1.5, 2.0, 6.0]


def test_the_estimate_counts_nothing_in_the_scheduler(
    make_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job counts multiplications, as importing the counter takes a second."""
    monkeypatch.setattr("search.executors.probes.WarmUp.run", lambda job, _: (Price(1, 1e-6),))
    monkeypatch.setattr("torch.utils.flop_counter.FlopCounterMode", None)
    plans: list[PlanInfo] = []
    run(make_recipe(trials=1), plans)
    assert plans[0].estimate is not None
