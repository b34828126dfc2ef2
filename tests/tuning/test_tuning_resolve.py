"""What is resolved for the machine: precision, and how many workers share a GPU."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from search.executors import InlineExecutor
from search.executors.base import run_job
from search.executors.probes import DeviceFacts, DeviceProbe
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
def test_a_study_that_started_with_nothing_resumes_so(
    make_recipe: Callable[..., Recipe], listener: Any
) -> None:
    """The hand-tuned network, which others try first, is not missed."""
    recipe = make_recipe(trials=1, start="none")
    run_study(recipe, listener, executor="inline")
    wanted = recipe.model_dump(exclude_unset=True, exclude={"start"})
    resumed = open_study(prepare(Recipe(**wanted), InlineExecutor(), listener)).recipe
    assert (resumed.start, resumed.with_baseline) == ("none", False)
