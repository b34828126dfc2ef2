"""Events as lines of JSON; light, so that mistakes can be reported before anything starts."""

import json
import math
from collections.abc import Mapping
from typing import final

from rich.console import Console

from search.events import Event

VERSION = 1


@final
class JsonWriter:
    """Writes events to a console that nothing else writes to, one a line.

    The first line also has "version". `search.events.Event` says what holds for all lines, the
    classes in `search.tuning.run_events.EVENTS` what each has.
    """

    def __init__(self, console: Console) -> None:
        self._console, self._first = console, True

    def write(self, event: Event, totals: Mapping[str, object] | None = None) -> None:
        """Write one event, with the running totals that it names."""
        head: dict[str, object] = {"event": event.kind}
        if self._first:
            head["version"] = VERSION
        self._first = False
        line = json.dumps(_finite(head | event.fields() | dict(totals or {})), allow_nan=False)
        self._console.out(line, highlight=False)


def _finite(value: object) -> object:
    """Return the value with null for every number that JSON cannot hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value
