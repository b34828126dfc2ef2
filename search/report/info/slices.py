"""The score over each of the most important parameters. Pure."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from search.metric import Metric
from search.report.findings.importances import Importances
from search.report.info.parallel import Dimension, ParallelCoordinatesInfo
from search.report.trials import After
from search.tuning.records import StudyRecord, TrialKind

MOST = 6
_WIDEST = 0.2  # of an axis, the most that trials of one value may take
_GAP = 0.5  # of the way to the next value, likewise
_BEYOND = 0.12  # what a panel shows beyond both ends of its axis
_GOLDEN = (5**0.5 - 1) / 2


class Slice(NamedTuple):
    """One parameter: its axis, and the places of the trials on it.

    The places are the axis's positions, but trials of one value stand side by side.
    """

    axis: Dimension
    places: tuple[float, ...]
    importance: float
    beyond_chance: bool

    @property
    def reach(self) -> tuple[float, float]:
        """Return both ends of the panel: values from an earlier, wider range are in it too."""
        return min(0.0, *self.places) - _BEYOND, max(1.0, *self.places) + _BEYOND

    @property
    def weight(self) -> str:
        """Return in words how much the parameter matters."""
        chance = "beyond chance" if self.beyond_chance else "within chance"
        return f"importance {self.importance:.2f}, {chance}"


class SlicesInfo(NamedTuple):
    """The trials that can be compared, and a slice for each of the most important parameters.

    `values` are what `score` names: the trials' scores or, where `after` is given, how good they
    were at that point. `winner` is a trial's number. `reason` says why there is nothing to draw.
    """

    numbers: tuple[int, ...] = ()
    kinds: tuple[TrialKind, ...] = ()
    values: tuple[float, ...] = ()
    slices: tuple[Slice, ...] = ()
    metric: Metric = "accuracy"
    score: str = ""
    after: After | None = None
    winner: int | None = None
    reason: str | None = None

    def of_kind(self, kind: TrialKind) -> list[int]:
        """Return the indices of the trials of which that became."""
        return [index for index, one in enumerate(self.kinds) if one == kind]


def slices_info(
    record: StudyRecord, importances: Importances, parallel: ParallelCoordinatesInfo
) -> SlicesInfo:
    """Return the slices: parameters that matter beyond chance first, then by importance."""
    if reason := importances.reason or parallel.reason:
        return SlicesInfo(reason=reason)
    kinds = {trial.number: trial.kind for trial in record.trials}
    winner = record.winner()
    return SlicesInfo(
        numbers=parallel.numbers,
        kinds=tuple(kinds[number] for number in parallel.numbers),
        values=parallel.values,
        slices=tuple(_slices(importances, parallel)),
        metric=parallel.metric,
        score=parallel.dimensions[-1].name,
        after=parallel.after,
        winner=None if winner is None else winner.number,
    )


def _slices(importances: Importances, parallel: ParallelCoordinatesInfo) -> Iterator[Slice]:
    axes = {axis.name: axis for axis in parallel.dimensions[:-1]}
    shares = {one.name: one.importance for one in importances.parameters}
    beyond = importances.beyond_chance
    for name in sorted(shares, key=lambda one: one not in beyond)[:MOST]:
        places = tuple(side_by_side(axes[name].positions))
        yield Slice(axes[name], places, shares[name], name in beyond)


def side_by_side(positions: Sequence[float]) -> Iterator[float]:
    """Yield the positions, with those that are equal spread around their place, the first on it.

    Steps of the golden ratio, modulo 1, keep neighbours in the order apart however many there are.
    """
    widths, seen = _widths(positions), Counter[float]()
    for position in positions:
        turn = (0.5 + _GOLDEN * seen[position]) % 1 - 0.5
        seen[position] += 1
        yield position + widths[position] * turn


def _widths(positions: Sequence[float]) -> dict[float, float]:
    """Return the room that each position has, before it would meet its neighbours."""
    places = sorted(set(positions))
    gaps = [math.inf, *(high - low for low, high in pairwise(places)), math.inf]
    nearest = (min(left, right) for left, right in pairwise(gaps))
    return {p: min(_WIDEST, _GAP * gap) for p, gap in zip(places, nearest, strict=True)}
