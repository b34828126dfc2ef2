"""Events: what a run reports to its listeners, one small value per event.

Everything that takes long is given a `Listener` and calls it with events. The console display, the
JSON lines of `--json` and the dashboard's publisher listen to the same stream. The events of a
search are in `search.tuning.run_events`.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias, final

if TYPE_CHECKING:
    from rich.console import Console


class Event(ABC):
    """Something that happened.

    An event is also one line of `--json`: an object with "event" (its `kind`), its `fields` and
    the running `totals` of the search that it names: "done" (trials ended), "trials" (trials
    planned), "best" (number of the best trial so far, or null).

    In these lines, scores and losses are as in the database (accuracies are fractions), unknown or
    non-finite numbers are null, times are seconds and sizes bytes. Kinds and fields are version 1
    of an interface: fields may be added, never renamed or removed.
    """

    kind: ClassVar[str]
    totals: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def fields(self) -> dict[str, object]:
        """Return the event's fields as plain JSON values."""


Listener: TypeAlias = Callable[[Event], None]
"""Receives every event, in the thread that emits it; must not raise, and ignores unknown events."""


def fan_out(*listeners: Listener) -> Listener:
    """Return a listener that passes every event to these listeners, in this order."""

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell


@final
@dataclass(frozen=True)
class Notice(Event):
    """Something the user must see: `text`, one line."""

    kind = "notice"
    text: str

    def fields(self) -> dict[str, object]:
        return {"text": self.text}


@final
@dataclass(frozen=True)
class StepProgress(Event):
    """Progress of a long step, such as a refit: `done` of `total` images, bytes or epochs."""

    kind = "progress"
    step: str
    done: int
    total: int

    def fields(self) -> dict[str, object]:
        return {"step": self.step, "done": self.done, "total": self.total}


@final
@dataclass(frozen=True)
class Interrupted(Event):
    """A signal ended the program with this exit `status`; the last event."""

    kind = "stopped"
    status: int

    def fields(self) -> dict[str, object]:
        return {"status": self.status}


@final
@dataclass(frozen=True)
class Failed(Event):
    """An error ended the program; `message` is also the line on stderr; the last event."""

    kind = "error"
    status: int
    message: str

    def fields(self) -> dict[str, object]:
        return {"status": self.status, "message": self.message}


_VERSION = 1


@final
class JsonWriter:
    """Writes events to a console that nothing else writes to, one per line.

    The first line also has "version". `Event` says what holds for all lines, the classes in
    `search.tuning.run_events.EVENTS` what each has.
    """

    def __init__(self, console: "Console") -> None:
        self._console, self._first = console, True

    def write(self, event: Event, totals: Mapping[str, object] | None = None) -> None:
        """Write one event, with the running totals that it names."""
        head: dict[str, object] = {"event": event.kind}
        if self._first:
            head["version"] = _VERSION
        self._first = False
        line = json.dumps(_finite(head | event.fields() | dict(totals or {})), allow_nan=False)
        self._console.out(line, highlight=False)


def _finite(value: object) -> object:
    """Return the value with None for every number that JSON cannot hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value
