"""How far a command is that trains nothing: which step, and how much of it is done."""

from collections.abc import Callable
from typing import NamedTuple


class Step(NamedTuple):
    """One step of a command: `done` of `total` parts of it are done."""

    words: str
    done: int
    total: int


Progress = Callable[[Step], None]


def no_progress(_: Step) -> None:
    """Show nothing."""
