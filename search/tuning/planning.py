"""What a run is about to do, as values: the plan that a user reads before it starts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

from search.data.dataset import DatasetInfo
from search.recipe import Recipe
from search.tuning.disk import DiskNeed
from search.tuning.ledger import TrialLedger
from search.tuning.opening import OpenStudy
from search.tuning.outlook import Estimate
from search.tuning.search_time import estimate_time
from search.tuning.store import read_study


@final
@dataclass(frozen=True)
class PlanInfo:
    """A resolved recipe with its dataset, and what of it is there and ahead.

    `n_grid` is the number of grid points, None for other samplers. `estimate` is None where
    nothing is left to train, or where it could not be made: `unknown` then says why.
    """

    recipe: Recipe
    dataset: DatasetInfo
    n_planned: int
    n_done: int
    n_grid: int | None
    n_workers: int
    disk: DiskNeed
    estimate: Estimate | None = None
    unknown: str | None = None


PlanListener: TypeAlias = Callable[[PlanInfo], None]
"""Hears of the plan before the search starts, in the coordinator's process; must not raise."""


def make_plan_info(opened: OpenStudy, disk: DiskNeed, n_workers: int) -> PlanInfo:
    """Return the plan; trains for a moment to estimate the time, and changes no result by it."""
    recipe = opened.recipe
    ledger = TrialLedger(opened.study, opened.points, recipe.trial_timeout)
    planned = recipe.trials or 0 if recipe.sampler == "tpe" else len(opened.points)
    done = {plan for plan in range(planned) if ledger.is_done(plan)}
    ended = [trial for trial in read_study(opened.study).trials if trial.plan in done]
    estimate, unknown = None, None
    try:
        estimate = estimate_time(opened, ended, planned - len(done), n_workers)
    except (MemoryError, RuntimeError) as error:  # a trial that fails so will say it itself
        unknown = f"{type(error).__name__}: {error}"
    return PlanInfo(
        recipe=recipe,
        dataset=opened.dataset,
        n_planned=planned,
        n_done=len(done),
        n_grid=_n_grid(opened),
        n_workers=n_workers,
        disk=disk,
        estimate=estimate,
        unknown=unknown,
    )


def _n_grid(opened: OpenStudy) -> int | None:
    return sum(1 for _ in opened.space.grid()) if opened.recipe.sampler == "grid" else None
