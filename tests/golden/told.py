"""What `--json` told of a run: its events, their fields and their figures."""

from itertools import groupby
from typing import Any

Events = list[dict[str, Any]]
_NEWER = ("metrics", "largest_class", "failed")  # fields of events that are newer than the record
_CLOCKED = ("notice", "progress")  # how often and when they come depends on the clock
_FIGURES = ("search", "trial_started", "epoch", "trial_waiting", "folds_earned", "trial_ended")
_RESULTS = ("search_ended", "refit", "test", "baseline", "report", "ended")


def event_order(events: Events) -> list[str]:
    """Return the names of the events as they came, runs of one name once."""
    names = [event["event"] for event in events if event["event"] not in _CLOCKED]
    return [name for name, _ in groupby(names)]


def event_fields(events: Events) -> dict[str, list[str]]:
    """Return the fields of each event by its name, in the order in which they stand."""
    return {event["event"]: list(_recorded(event)) for event in reversed(events)}


def told_figures(events: Events) -> Events:
    """Return the events that tell results."""
    return [_recorded(event) for event in events if event["event"] in _FIGURES + _RESULTS]


def _recorded(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in _NEWER}
