"""Cooperative cancellation: a request to stop, which training honours at the end of its epoch."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import final

Handler = Callable[[int, FrameType | None], None] | signal.Handlers
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_handled(handler: Handler) -> Iterator[None]:
    """Handle SIGINT and SIGTERM in the block; does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@final
class StopRequest:
    """Carries the request to stop from signal handlers to trainings.

    Trainings check `requested` inside an `accepted` block; outside of one, nothing does.
    """

    def __init__(self) -> None:
        self._requested = self._accepted = False

    def request(self) -> bool:
        """Request a stop; returns whether it will be honoured: the first one in such a block."""
        honoured = self._accepted and not self._requested
        self._requested = True
        return honoured

    def requested(self) -> bool:
        """Return whether a stop was requested."""
        return self._requested

    @contextmanager
    def accepted(self) -> Iterator[None]:
        """Declare that requests are honoured in the block."""
        self._accepted = True
        try:
            yield
        finally:
            self._accepted = False
