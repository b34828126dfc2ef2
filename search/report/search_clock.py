"""How long a study searched up to a moment: pauses between its runs do not count. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import final

from search.study.records import StudyRecord, TrialRecord

Span = tuple[datetime, datetime]


@final
@dataclass(frozen=True)
class SearchClock:
    """The times in which at least one trial ran: apart from each other, in order."""

    spans: tuple[Span, ...]

    def at(self, moment: datetime) -> float:
        """Return the seconds of search up to a moment."""
        return sum(
            (min(end, moment) - start).total_seconds()
            for start, end in self.spans
            if start < moment
        )

    def total(self) -> float:
        """Return the seconds of search in all."""
        return sum((end - start).total_seconds() for start, end in self.spans)


def search_clock(record: StudyRecord) -> SearchClock:
    """Return the union of the times in which a study's trials ran.

    The end of an interrupted attempt is not stored: what is stored is when the next run found it.
    It counts up to the last sign of life before that, which is the start or the end of any trial;
    so does a trial that is still running.
    """
    signs = _signs_of_life(record.trials)
    return SearchClock(
        _union((t.started, _end(t, t.started, signs)) for t in record.trials if t.started)
    )


def _signs_of_life(trials: Iterable[TrialRecord]) -> list[datetime]:
    moments = [(t.started, None if t.kind == "interrupted" else t.finished) for t in trials]
    return [moment for pair in moments for moment in pair if moment is not None]


def _end(trial: TrialRecord, started: datetime, signs: Iterable[datetime]) -> datetime:
    found = trial.finished
    if found is not None and trial.kind != "interrupted":
        return max(started, found)  # clocks can be set back
    return max([started, *(sign for sign in signs if found is None or sign <= found)])


def _union(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
