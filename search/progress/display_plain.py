"""A display of lines alone: for pipes, log files and simple terminals, or of nothing at all."""

from typing import final

from rich.console import Console

from search.progress.display_base import Display


@final
class PlainDisplay(Display):
    """Lines alone, without colour."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._said: dict[str, int] = {}

    def progress(self, description: str, done: int, total: int) -> None:
        """Print a line at every quarter of the way."""
        quarter = 4 * done // max(total, 1)
        if self._said.get(description) != quarter:
            self._said[description] = quarter
            self._say(f"{description}: {done:,} of {total:,}")

    def close(self) -> None:
        """Do nothing."""


@final
class QuietDisplay(Display):
    """Nothing until the end, when it yields the result as the others do."""

    def progress(self, description: str, done: int, total: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def _say(self, text: str, style: str = "") -> None:
        """Do nothing."""
