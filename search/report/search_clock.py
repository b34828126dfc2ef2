"""How long a study has searched, not counting pauses between its runs. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import final

from search.tuning.records import StudyRecord, TrialRecord

Span = tuple[datetime, datetime]


@final
@dataclass(frozen=True)
class SearchClock:
    """The times in which at least one trial ran: in order, none overlapping another."""

    spans: tuple[Span, ...]

    def at(self, moment: datetime) -> float:
        """Seconds of search up to a moment."""
        return sum(
            (min(end, moment) - start).total_seconds()
            for start, end in self.spans
            if start < moment
        )

    def total(self) -> float:
        """Seconds of search in total."""
        return sum((end - start).total_seconds() for start, end in self.spans)


def search_clock(record: StudyRecord) -> SearchClock:
    """Return the union of the times in which a study's trials ran.

    The end of a trial that is still running is not known, nor that of an interrupted attempt of an
    older study. It counts up to the last start or end of any trial before the next run, so the
    total is a lower bound.
    """
    lost = {(t.plan, t.attempt + 1) for t in record.trials if t.started and not t.finished}
    again = [t.started for t in record.trials if (t.plan, t.attempt) in lost and t.started]
    signs = [sign for t in record.trials for sign in (t.started, t.finished) if sign]

    def end(trial: TrialRecord, started: datetime) -> datetime:
        if trial.finished is not None:
            return max(started, trial.finished)  # clocks can be set back
        next_run = min((moment for moment in again if moment > started), default=datetime.max)
        return max(started, *(sign for sign in signs if sign < next_run))

    return SearchClock(_union((t.started, end(t, t.started)) for t in record.trials if t.started))


def _union(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
