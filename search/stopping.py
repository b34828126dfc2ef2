"""Cooperative cancellation: a request to stop, which training honours after its epoch."""

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
    """Handle both signals so for the block; does nothing outside the main thread."""
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
    """Carries the request to stop from whoever handles signals to whatever trains.

    What trains looks at `requested` within an `accepted` block. Outside such a block nobody looks.
    """

    def __init__(self) -> None:
        self._requested = self._accepted = False

    def request(self) -> bool:
        """Request to stop; returns whether that will be honoured: within such a block, and once."""
        honoured = self._accepted and not self._requested
        self._requested = True
        return honoured

    def requested(self) -> bool:
        """Return whether a stop was requested."""
        return self._requested

    @contextmanager
    def accepted(self) -> Iterator[None]:
        """Promise to stop soon after it is requested, for the block."""
        self._accepted = True
        try:
            yield
        finally:
            self._accepted = False
