"""Interrupting a run from a cell or a script: what is finished is kept, and it may be resumed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import final

from search.stopping import StopRequest, signals_handled


@final
class SearchInterrupted(KeyboardInterrupt):
    """A run was interrupted; says what is kept and how to continue."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: one line, without a traceback."""
        return [str(self)]


@contextmanager
def interruptible(stop: StopRequest, words: Callable[[], str]) -> Iterator[None]:
    """Let the first interrupt end the block after the current epoch, a second one at once.

    Notices, such as that the terminal was closed, never hurry it.

    Args:
        stop: Carries the request into the block.
        words: What to say then.

    Raises:
        SearchInterrupted: The block was interrupted.
    """
    interrupted = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        if stop.is_changed_by(number) and not stop.request():
            raise KeyboardInterrupt

    try:
        with signals_handled(handle):
            yield
    except KeyboardInterrupt as error:
        raise SearchInterrupted(words()) from error
    if interrupted:
        raise SearchInterrupted(words())
