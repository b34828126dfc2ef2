"""Cooperative cancellation: signals, and the request that training honours after its epoch."""

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
    """Handle both signals so while the block lasts; outside the main thread nothing can."""
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
    """Carries the wish from whoever handles signals to whatever trains.

    What trains looks at `asked` in a `heeded` block. Outside such a block nobody would look.
    """

    def __init__(self) -> None:
        self._asked = self._heeded = False

    def ask(self) -> bool:
        """Ask to stop; returns whether that will be heeded: in such a block, and once."""
        heeded = self._heeded and not self._asked
        self._asked = True
        return heeded

    def asked(self) -> bool:
        """Return whether a stop was asked for."""
        return self._asked

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Promise to stop soon after it is asked for, while the block lasts."""
        self._heeded = True
        try:
            yield
        finally:
            self._heeded = False
