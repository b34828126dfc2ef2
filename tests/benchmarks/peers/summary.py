"""From records to what the table says. Pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

from tests.benchmarks.peers.records import EpochRecord, best_at, seconds_to_beat


@final
@dataclass(frozen=True)
class SearchSummary:
    """One search: the best accuracy in the end, when the baseline was beaten, what was trained.

    `best` is 0 where nothing was known within the budget; `beaten` is None for never.
    """

    best: float
    beaten: float | None
    trials: int
    epochs: int

    @classmethod
    def of(cls, records: Sequence[EpochRecord], baseline: float) -> Self:
        """Return the summary of the records, all within the budget."""
        return cls(
            best=best_at(records, math.inf) or 0.0,
            beaten=seconds_to_beat(records, baseline),
            trials=len({record.trial for record in records}),
            epochs=len(records),
        )


@final
@dataclass(frozen=True)
class TimesSooner:
    """How many times sooner ours beat the baseline, the median over seeds.

    `at_least` says that some peer's search never did, so that its whole budget stood in.
    """

    ratio: float
    at_least: bool


def median_beaten(searches: Sequence[SearchSummary]) -> float:
    """Return the median of the seconds to beat the baseline; infinite where most never did."""
    return statistics.median(math.inf if s.beaten is None else s.beaten for s in searches)


def times_sooner(
    peer: Sequence[SearchSummary], ours: Sequence[SearchSummary], budget: float
) -> TimesSooner | None:
    """Return the median over seeds of peer's time / ours; None where ours failed to beat once."""
    own = [search.beaten for search in ours if search.beaten is not None]
    if len(own) < len(ours):
        return None
    theirs = [budget if search.beaten is None else search.beaten for search in peer]
    ratio = statistics.median(a / b for a, b in zip(theirs, own, strict=True))
    return TimesSooner(ratio, any(search.beaten is None for search in peer))
