"""Trials whose candidate an earlier one has: they wait for its result instead of training."""

from collections.abc import Iterable
from typing import final

from search.tuning.queue import Started
from search.tuning.records import TrialRecord


@final
class Duplicates:
    """Knows which plan index had a candidate first; `ended` are the trials of earlier runs.

    Where `repeat` is true all train, as the baseline's repeats do: each has seeds of its own.
    """

    def __init__(self, ended: Iterable[TrialRecord], *, repeat: bool = False) -> None:
        self._repeat = repeat
        self._first: dict[str, int] = {}
        self._ended: dict[int, TrialRecord] = {}
        self._waiting: list[Started] = []
        for record in ended:
            if record.candidate is not None and record.same_as is None:
                self._first.setdefault(record.candidate.model_dump_json(), record.plan)
                self.end(record)

    def hold(self, started: Started) -> bool:
        """Keep a trial until that which had its candidate first has ended; False: it is first."""
        if self._repeat:
            return False
        first = self._first.setdefault(started.candidate.model_dump_json(), started.plan)
        if first != started.plan:
            self._waiting.append(started)
        return first != started.plan

    def end(self, record: TrialRecord) -> None:
        """Take in the last trial of a plan index."""
        self._ended[record.plan] = record

    def waiting(self) -> list[Started]:
        """Return the trials that are kept."""
        return list(self._waiting)

    def release(self) -> list[tuple[Started, TrialRecord]]:
        """Return the kept trials that need wait no more, each with the trial it equals."""
        ready = [one for one in self._waiting if self._original(one) is not None]
        self._waiting = [one for one in self._waiting if one not in ready]
        pairs = [(one, self._original(one)) for one in ready]
        return [(one, original) for one, original in pairs if original is not None]

    def _original(self, started: Started) -> TrialRecord | None:
        return self._ended.get(self._first[started.candidate.model_dump_json()])
