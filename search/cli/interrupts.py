"""What Ctrl-C and SIGTERM do while a study runs."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import final

from search.study.stopping import StopRequest

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@final
class Interrupts:
    """The first signal asks what trains to stop after its epoch; a second one ends at once.

    Where nothing trains the first ends at once too, by KeyboardInterrupt. `status` is then the
    program's exit status, 130 or 143.
    """

    def __init__(self) -> None:
        self.stop = StopRequest()
        self.status: int | None = None

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle both signals while the block lasts; outside the main thread nothing can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.status = 128 + number
        if not self.stop.ask():
            raise KeyboardInterrupt
