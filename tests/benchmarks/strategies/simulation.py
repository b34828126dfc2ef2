"""A search replayed over recorded curves, on a clock that counts epochs and seconds.

What a strategy decides depends on the curves alone, in the order in which it asks for epochs, as
the program's own pruners judge in the order of the plan. So the clock comes afterwards: the
trainings are given out to workers as they become free.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, final

import numpy as np

from tests.benchmarks.strategies.table import Curve, Floats


class Slice(NamedTuple):
    """Some epochs of one trial: it is trained on to `until`."""

    trial: int
    until: int


class Proposer(Protocol):
    """Chooses candidates; answers with their whole curves."""

    def propose(self) -> Curve:
        """Return the curve of one further candidate."""

    def learn(self, trial: int, trained: int) -> None:
        """Hear how far a trial was trained; called again when it is trained on."""


Strategy: TypeAlias = Callable[[Proposer, int, int], Iterator[tuple[Slice, Curve]]]
"""Yields the slices of a search without end, given the epochs of a whole training and a seed."""


@final
@dataclass(frozen=True, eq=False)
class Trajectory:
    """What the winner was worth after each slice.

    Attributes:
        epochs: Epochs trained so far, (slices,).
        seconds: When the slice ended, (slices,).
        quality: Held-out accuracy of the trial that would have won by then, (slices,).
    """

    epochs: Floats
    seconds: Floats
    quality: Floats

    def at(self, clock: Floats, limit: float) -> float:
        """Return the quality at a limit of `epochs` or `seconds`; chance before the first."""
        place = int(np.searchsorted(clock, limit, side="right")) - 1
        return float(self.quality[place]) if place >= 0 else 0.1


def simulate(
    steps: Iterator[tuple[Slice, Curve]], horizon: int, budget: int, workers: int = 2
) -> Trajectory:
    """Return the trajectory of a search that trains `budget` epochs in all.

    Args:
        steps: What a strategy yields.
        horizon: Epochs of a whole training.
        budget: Epochs of all trials together.
        workers: Trainings at a time, for the clock of seconds.
    """
    trained: dict[int, int] = {}
    curves: dict[int, Curve] = {}
    free = [0.0] * workers
    spent, best = 0, (0, -1.0, 0.1)
    rows: list[tuple[float, float, float]] = []
    for (trial, until), curve in steps:
        curves[trial] = curve
        epochs = until - trained.get(trial, 0)
        trained[trial] = until
        spent += epochs
        end = heapq.heappop(free) + epochs * curve.epoch_seconds
        heapq.heappush(free, end)
        standing = (until == horizon, float(curve.accuracy[:until].max()), curve.quality)
        best = max(best, standing, key=lambda one: one[:2])
        rows.append((spent, end, best[2]))
        if spent >= budget:
            break
    columns = np.array(rows)
    return Trajectory(columns[:, 0], np.maximum.accumulate(columns[:, 1]), columns[:, 2])
