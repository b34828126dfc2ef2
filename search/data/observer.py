"""What a dataset says while it is prepared."""

from typing import Protocol


class DataObserver(Protocol):
    """Hears of the preparation; called from the thread that prepares."""

    def notice(self, text: str) -> None:
        """Take one line that the user must see."""

    def progress(self, description: str, done: int, total: int) -> None:
        """Take the state of a long step: `done` of `total` units (images or bytes)."""
