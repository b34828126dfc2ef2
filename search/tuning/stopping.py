"""A wish to stop, which a search and a refit heed at the next epoch's end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final


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
