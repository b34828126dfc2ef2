"""Records made up for the tests of what a run shows."""

from typing import Any

from search.recipe import Recipe
from search.study.records import TrialRecord
from search.training.history import FoldEpoch, History


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
