"""Trials whose candidate an earlier trial has: they get its result instead of being trained."""

from collections.abc import Iterable
from typing import final

from search.tuning.ask_and_tell import ClaimedTrial
from search.tuning.records import TrialRecord


@final
class Duplicates:
    """Holds trials whose candidate another trial had first, until they get its result.

    Args:
        ended: The trials of earlier runs whose results may be reused.
        repeat: Whether duplicates are trained anyway, each with its own seed.
    """

    def __init__(self, ended: Iterable[TrialRecord], *, repeat: bool = False) -> None:
        self._repeat = repeat
        self._first: dict[str, int] = {}
        self._ended: dict[int, TrialRecord] = {}
        self._held: list[ClaimedTrial] = []
        for record in ended:
            if record.candidate is not None and record.same_as is None:
                self._first.setdefault(record.candidate.model_dump_json(), record.plan)
                self.add_ended(record)

    def hold(self, claimed: ClaimedTrial) -> int | None:
        """Hold a duplicate until its original has ended; returns the original's index, or None."""
        if self._repeat:
            return None
        first = self._first.setdefault(claimed.candidate.model_dump_json(), claimed.index)
        if first == claimed.index:
            return None
        self._held.append(claimed)
        return first

    def add_ended(self, record: TrialRecord) -> None:
        """Add the last trial of an index."""
        self._ended[record.plan] = record

    def held(self) -> list[ClaimedTrial]:
        """Return the trials that are still held."""
        return list(self._held)

    def release(self) -> list[tuple[ClaimedTrial, TrialRecord]]:
        """Return the held trials whose original has ended, each with the original."""
        pairs = [(claimed, self._original(claimed)) for claimed in self._held]
        self._held = [claimed for claimed, original in pairs if original is None]
        return [(claimed, original) for claimed, original in pairs if original is not None]

    def _original(self, claimed: ClaimedTrial) -> TrialRecord | None:
        return self._ended.get(self._first[claimed.candidate.model_dump_json()])
