"""How long a search is expected to take, and what of it a timeout leaves. Pure."""

import math
from dataclasses import dataclass
from typing import NamedTuple, final


class Span(NamedTuple):
    """Seconds, at least and at most."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Return the mean of both."""
        return (self.low + self.high) / 2


@final
@dataclass(frozen=True)
class Estimate:
    """Seconds until search and refit are done; `measured` by a "warm-up" or the "trials" so far.

    `search` is what all of the `n_open` trials would take, which train `epochs` epochs of single
    folds, `longest` is the most that one takes. None starts once `timeout` seconds are over.
    """

    search: Span
    refit: Span
    longest: float
    n_open: int
    epochs: float
    measured: str
    timeout: float | None = None

    @property
    def low(self) -> float:
        """Return the least seconds of search and refit, as the timeout has it."""
        return min(self.search.low, self._limit) + self.refit.low

    @property
    def high(self) -> float:
        """Return the most: what trains when the time is up is trained to its end."""
        return min(self.search.high, self._limit + self.longest) + self.refit.high

    def n_begun(self) -> tuple[int, int] | None:
        """Return about how many trials start in time, at least and at most; None: all should."""
        if self.search.high <= self._limit:
            return None
        shares = (self._limit / max(seconds, self._limit) for seconds in reversed(self.search))
        low, high = (self.n_open * share for share in shares)
        return max(math.floor(low), 1), max(math.ceil(high), 1)

    @property
    def _limit(self) -> float:
        return math.inf if self.timeout is None else self.timeout
