"""Experiment trackers: listeners that write a study where a team looks. Imports none of them."""

from collections.abc import Iterable

from search.errors import UserError
from search.tracking.base import Tracker
from search.tracking.mlflow import MLflow
from search.tracking.tensorboard import TensorBoard
from search.tracking.wandb import WandB

__all__ = ["TRACKERS", "MLflow", "TensorBoard", "Tracker", "WandB", "make_trackers"]

TRACKERS: tuple[type[Tracker], ...] = (MLflow, TensorBoard, WandB)


def make_trackers(names: Iterable[str]) -> tuple[Tracker, ...]:
    """Return trackers with their defaults; raises UserError for a name that none has."""
    known = {kind.name: kind for kind in TRACKERS}
    for name in names:
        if name not in known:
            raise UserError(f"tracker must be one of {', '.join(known)}, got {name!r}")
    return tuple(known[name]() for name in dict.fromkeys(names))
