"""Records made up for the tests of what a run shows."""

from pathlib import Path
from typing import Any

from search.data.dataset import DatasetInfo
from search.recipe import Recipe
from search.training.history import FoldEpoch, History
from search.tuning.estimate import Estimate
from search.tuning.plan import DiskNeed, PlanInfo
from search.tuning.records import TrialRecord
from search.tuning.workload import Range


def make_recipe(**settings: Any) -> Recipe:
    """Return a resolved recipe."""
    defaults: dict[str, Any] = {"space": "cnn", "study_name": "mine", "trials": 4, "epochs": 5}
    return Recipe(**(defaults | settings))


def make_trial(number: int, state: str = "complete", epochs: int = 5, **facts: Any) -> TrialRecord:
    """Return a trial of so many epochs; a complete one scores 0.5 at epoch 2 unless told."""
    epoch = (FoldEpoch(1.0, 0.5, 1.0, 0.5, 0.01, 1.0),)
    known: dict[str, Any] = {"number": number, "plan": number, "attempt": 0, "params": {}}
    if state == "complete" and not facts.get("diverged"):
        known |= {"mean": 0.5, "std": 0.0, "fold_scores": (0.5,), "best_epoch": 2, "value": 0.5}
    known |= {"state": state, "history": History((epoch,) * epochs)} | facts
    return TrialRecord(**known)


def make_estimate(
    low: float = 60.0, high: float = 120.0, timeout: float | None = None, **facts: Any
) -> Estimate:
    """Return an estimate of four trials of five epochs each, the longest of 30 s, and no refit."""
    known: dict[str, Any] = {"refit": Range(0.0, 0.0), "longest": 30.0, "n_open": 4, "epochs": 20.0}
    return Estimate(search=Range(low, high), measured="warm-up", timeout=timeout, **(known | facts))


def make_plan(n_done: int = 0, low: float = 60.0, high: float = 120.0, **settings: Any) -> PlanInfo:
    """Return the plan of a resolved recipe on two classes."""
    resolved = {"pruner": "halving", "device": "cpu", "precision": "bf16"}
    pets = DatasetInfo("pets", "f" * 64, ("cat", "dog"), (3, 32, 32), 1000, 100, Path("cache"))
    return PlanInfo(
        recipe=make_recipe(**(resolved | settings)),
        dataset=pets,
        n_planned=4,
        n_done=n_done,
        n_grid=None,
        n_workers=2,
        disk=DiskNeed(5_000_000, 10**10),
        estimate=make_estimate(low, high, settings.get("timeout")),
    )
