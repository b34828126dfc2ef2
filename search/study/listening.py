"""Functions that listen to a study's events: all of them, or those of one kind."""

import logging
from collections.abc import Iterable, Mapping
from typing import final

from search.checks import nearest_hint
from search.errors import UserError
from search.events import Event, Listener, Notice
from search.tracking import Tracker
from search.tuning.run_events import EVENTS

EVENT_KINDS = tuple(event.kind for event in EVENTS)

_LOG = logging.getLogger("search")


@final
class Listeners:
    """A listener that passes events on to functions, in the order in which these were added.

    What a function raises ends the run, as an interrupt does: what is finished is kept.
    """

    def __init__(self) -> None:
        self._listeners: list[tuple[str | None, Listener]] = []

    def add(self, listener: Listener | None, kind: object = None) -> None:
        """Add a function; it gets the events of one kind, or of all kinds."""
        if kind is not None and kind not in EVENT_KINDS:
            hint = nearest_hint(str(kind), EVENT_KINDS)
            raise UserError(f"on: {kind!r} is no kind of event; {hint}")
        if isinstance(listener, type):
            name = listener.__name__
            raise UserError(f"callbacks: {name} is a class; give {name}(), or a function")
        if not callable(listener):
            raise UserError(f"on: needs a function that takes an event, got {listener!r}")
        self._listeners.append((None if kind is None else str(kind), listener))

    def add_all(
        self, listeners: Listener | Iterable[Listener], by_kind: Mapping[str, Listener]
    ) -> None:
        """Add functions for all events, then functions for events of one kind."""
        if callable(listeners):  # one alone
            listeners = (listeners,)
        if not isinstance(listeners, Iterable):
            raise UserError(f"callbacks: must be functions that take an event, got {listeners!r}")
        if not isinstance(by_kind, Mapping):
            raise UserError(f"on: must be functions by kind of event, got {by_kind!r}")
        for listener in listeners:
            self.add(listener)
        for kind, listener in by_kind.items():
            self.add(listener, kind)

    def close(self) -> None:
        """Have trackers end their runs; later events open them again."""
        for _, listener in self._listeners:
            if isinstance(listener, Tracker):
                listener.close()

    def __call__(self, event: Event) -> None:
        """Pass the event on."""
        for kind, listener in self._listeners:
            if kind is None or kind == event.kind:
                listener(event)


@final
class UntoldNotices:
    """Passes events on, except for notices that an earlier step told.

    Each step prepares the dataset, and says again what there is to say of it.
    """

    def __init__(self) -> None:
        self._told: set[str] = set()

    def of_step(self, listener: Listener) -> Listener:
        """Return the listener of one step."""
        earlier = frozenset(self._told)

        def tell(event: Event) -> None:
            if isinstance(event, Notice):
                self._told.add(event.text)
                if event.text in earlier:
                    return
            listener(event)

        return tell


def log_notice(event: Event) -> None:
    """Log what the user should know, where no display shows it: logger "search", level INFO."""
    if isinstance(event, Notice):
        _LOG.info("%s", event.text)
