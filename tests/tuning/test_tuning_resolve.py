"""What is resolved for the machine: precision, and how many workers share a GPU."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from search.executors import InlineExecutor
from search.executors.base import run_job
from search.executors.probes import DeviceFacts, DeviceProbe, Price, WarmUp
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.opening import open_study
from search.tuning.preparing import GIB, count_workers, prepare, resolve_recipe


def _gpu_workers(free: int, networks: int, cores: int) -> int:
    facts = DeviceFacts("cuda", "bf16", cores, free, {})
    settings: dict[str, Any] = {"validation": "kfold", "folds": networks} if networks > 1 else {}
    return count_workers(Recipe(space="mlp", **settings), facts)


@pytest.mark.parametrize(
    ("free", "networks", "cores", "expected"),
    [
        (80 * GIB, 1, 16, 16),  # cores end first
        (10 * GIB, 1, 16, 3),
        (80 * GIB, 5, 16, 11),
        (10 * GIB, 5, 16, 1),
        (6 * GIB, 1, 16, 2),  # exactly enough for two
        (6 * GIB - 1, 1, 16, 1),
    ],
)
def test_memory_or_cores_bound_the_workers(
    free: int, networks: int, cores: int, expected: int
) -> None:
    """As many as the free memory holds, but no more than there are cores."""
    assert _gpu_workers(free, networks, cores) == expected


@pytest.mark.parametrize(("free", "cores"), [(0, 16), (GIB, 16), (80 * GIB, 0)])
def test_one_worker_at_least(free: int, cores: int) -> None:
    """On a full GPU, or with more threads a worker than cores, one worker tries."""
    assert _gpu_workers(free, 1, cores) == 1


@pytest.mark.parametrize(("asked", "threads", "expected"), [(0, 1, 4), (0, 3, 1), (7, 1, 7)])
def test_a_process_a_core_unless_told(
    asked: int,
    threads: int,
    expected: int,
    make_recipe: Callable[..., Recipe],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a CPU with four cores; threads share them out."""
    monkeypatch.setattr("joblib.cpu_count", lambda: 4)
    facts = run_job(DeviceProbe("cpu"))
    assert count_workers(make_recipe(workers=asked, threads=threads), facts) == expected


@pytest.mark.slow
@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("asked", ["auto", "fp32"])
def test_a_processor_without_bf16_is_told(
    native: bool,
    asked: str,
    make_recipe: Callable[..., Recipe],
    listener: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Left to the program, precision follows the processor; fp32 for want of bf16 is said."""
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: native)
    plan = prepare(make_recipe(precision=asked), InlineExecutor(), listener)
    assert plan.recipe.precision == ("bf16" if native and asked == "auto" else "fp32")
    said = listener.notices()
    missing = not native and asked == "auto"
    assert said == (
        ["precision: fp32, as this cpu has no native bf16 arithmetic"] if missing else []
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "trials", "epochs", "pruner"),
    [
        ({}, 54, 27, "sync-halving"),
        ({"trials": 26}, 26, 15, "none"),
        ({"trials": 27}, 27, 27, "sync-halving"),
        ({"pruner": "none"}, 20, 15, "none"),
        ({"pruner": "sync-halving", "trials": 40}, 40, 27, "sync-halving"),
        ({"epochs": 8}, 54, 8, "sync-halving"),
        ({"epochs": 8, "trials": 20}, 20, 8, "halving"),
        ({"sampler": "tpe"}, 20, 15, "none"),
        ({"validation": "kfold", "folds": 2, "racing": True}, 20, 15, "none"),
        ({"objective": "accuracy,parameters"}, 20, 15, "none"),
        ({"checkpoint_every": 0}, 20, 15, "none"),
    ],
)
def test_many_trials_are_compared_early(
    settings: dict[str, Any],
    trials: int,
    epochs: int,
    pruner: str,
    make_recipe: Callable[..., Recipe],
    listener: Any,
) -> None:
    """Unless user, sampler or kind of search have it otherwise; few are trained whole."""
    wanted = make_recipe(trials=None).model_dump(exclude_unset=True) | settings
    given = {name: value for name, value in wanted.items() if name not in ("pruner", "epochs")}
    given |= {name: settings[name] for name in ("pruner", "epochs") if name in settings}
    recipe = prepare(Recipe(**given), InlineExecutor(), listener, budgeted=False).recipe
    assert (recipe.trials, recipe.epochs, recipe.pruner) == (trials, epochs, pruner)


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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An image takes a second: an hour buys a trial or so, ten years what anybody needs."""
    prices = (Price(1000, 1.0),) * 3
    monkeypatch.setattr(WarmUp, "run", lambda *_: prices)
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
@pytest.mark.parametrize(("asked", "known"), [(True, True), (True, False), (False, True)])
def test_a_baseline_is_promised_where_there_is_one(
    asked: bool, known: bool, make_recipe: Callable[..., Recipe], listener: Any
) -> None:
    """A space without a hand-tuned candidate has no baseline, so no report speaks of one."""
    recipe = make_recipe(with_baseline=asked)
    plan = prepare(recipe, InlineExecutor(), listener)
    space = plan.space if known else replace(plan.space, baseline_params=None)
    resolved = resolve_recipe(recipe, plan.dataset, space, run_job(DeviceProbe("cpu")))
    assert resolved.with_baseline == (asked and known)


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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is stored as what limits the study, whether or not this run trains anything."""
    monkeypatch.setattr(WarmUp, "run", lambda *_: (Price(1000, 1e-6),) * 3)
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its budget, which counts anew, its trials and epochs; not the hour of a new search."""
    monkeypatch.setattr(WarmUp, "run", lambda *_: (Price(1000, 1e-6),) * 3)
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
    make_recipe: Callable[..., Recipe], listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made anew."""
    monkeypatch.setattr(WarmUp, "run", lambda *_: (Price(1000, 1e-6),) * 3)
    recipe = make_recipe(trials=2, study_name="mine")
    study = open_study(prepare(recipe, InlineExecutor(), listener)).study
    study.set_user_attr("recipe", study.user_attrs["recipe"] | {"budget": 60.0})
    wanted = recipe.model_dump(exclude_unset=True, exclude={"trials", "epochs", "pruner"})
    assert prepare(Recipe(**wanted), InlineExecutor(), listener).recipe.budget == 3600


@pytest.mark.slow
def test_a_study_that_started_with_nothing_resumes_so(
    make_recipe: Callable[..., Recipe], listener: Any
) -> None:
    """The hand-tuned network, which others try first, is not missed."""
    recipe = make_recipe(trials=1, start="none")
    run_study(recipe, listener, executor="inline")
    wanted = recipe.model_dump(exclude_unset=True, exclude={"start"})
    resumed = open_study(prepare(Recipe(**wanted), InlineExecutor(), listener)).recipe
    assert (resumed.start, resumed.with_baseline) == ("none", False)


@pytest.mark.slow
def test_a_grid_under_a_budget_has_no_more_trials_than_points(
    make_recipe: Callable[..., Recipe], listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much time there is."""
    monkeypatch.setattr(WarmUp, "run", lambda *_: (Price(1000, 1e-9),) * 3)
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An image takes a tenth of a second, so that one epoch takes longer than the shorter one."""
    monkeypatch.setattr(WarmUp, "run", lambda *_: (Price(1000, 0.1),) * 3)
    wanted = make_recipe().model_dump(exclude_unset=True, exclude={"trials", "epochs", "pruner"})
    budget = prepare(Recipe(**wanted, budget=seconds), InlineExecutor(), listener).budget
    assert budget is not None
    assert budget.is_short is short
