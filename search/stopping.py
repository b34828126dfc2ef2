"""Cooperative cancellation: a request to stop, which training honours at the end of its epoch."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import final

Handler = Callable[[int, FrameType | None], None] | signal.Handlers
# A closed terminal sends SIGHUP; a cluster announces the end of a job by a signal such as SIGUSR1.
_NOTICES = tuple(
    getattr(signal, name) for name in ("SIGHUP", "SIGUSR1") if hasattr(signal, name)
)  # Windows has neither
STOP_SIGNALS: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM, *_NOTICES)
"""The signals that ask a run to stop."""


@contextmanager
def signals_handled(handler: Handler) -> Iterator[None]:
    """Handle the signals that ask to stop in the block; does nothing outside the main thread.

    Notices that were ignored before stay ignored: that is what `nohup` is for.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handled = [number for number in STOP_SIGNALS if not _is_ignored_notice(number)]
    before = {number: signal.signal(number, handler) for number in handled}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def is_notice(number: int) -> bool:
    """Return whether a signal only announces the end, and may come more than once."""
    return number in _NOTICES


def _is_ignored_notice(number: signal.Signals) -> bool:
    return is_notice(number) and signal.getsignal(number) is signal.SIG_IGN


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

    def is_changed_by(self, number: int) -> bool:
        """Return whether a signal matters now: a notice does not once a stop was requested.

        Notices, such as that the terminal was closed, never hurry a stop: both the shell and the
        system send one.
        """
        return not (self._requested and is_notice(number))

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
