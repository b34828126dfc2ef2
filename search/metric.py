"""The metrics that trials are scored by, and their direction."""

from collections.abc import Sequence
from typing import Literal

Metric = Literal["accuracy", "loss"]
MeanOver = Literal["images", "batches"]


def as_higher_is_better(curve: Sequence[float], metric: Metric) -> list[float]:
    """Return the curve with losses negated."""
    return list(curve) if metric == "accuracy" else [-value for value in curve]


def is_better(value: float, other: float, metric: Metric) -> bool:
    """Return whether `value` beats `other`: a higher accuracy or a lower loss."""
    return value > other if metric == "accuracy" else value < other
