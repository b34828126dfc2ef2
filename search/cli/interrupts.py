"""What Ctrl-C and SIGTERM do while a study runs."""

from contextlib import AbstractContextManager
from types import FrameType
from typing import final

from search.tuning.signals import signals_handled
from search.tuning.stopping import StopRequest


@final
class Interrupts:
    """The first signal asks what trains to stop after its epoch; a second one ends at once.

    Where nothing trains the first ends at once too, by KeyboardInterrupt. `status` is then the
    program's exit status, 130 or 143.
    """

    def __init__(self) -> None:
        self.stop = StopRequest()
        self.status: int | None = None

    def handled(self) -> AbstractContextManager[None]:
        """Return a block that handles both signals while it lasts."""
        return signals_handled(self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.status = 128 + number
        if not self.stop.ask():
            raise KeyboardInterrupt
