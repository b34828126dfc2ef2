"""The errors that a user may see, each one line, and one-line descriptions of others.

Light to import, because everything imports it, `spaces` too.
"""

from collections.abc import Iterator
from typing import final

from search.text import one_line


class _OneLineError(Exception):
    def __str__(self) -> str:
        return one_line(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: one line, without a traceback."""
        return [f"{type(self).__name__}: {self}"]


class UserError(_OneLineError):
    """A user's mistake: names the setting, its value and what would be accepted."""

    exit_status = 2


@final
class MachineError(_OneLineError):
    """A failure of the machine: says what was kept and what to do next.

    Attributes:
        may_pass: Whether it may end by itself, so that waiting can help.
    """

    exit_status = 1

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type if it has no message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def describe_error(error: BaseException) -> str:
    """Return an error's type and the first line of its message: "KeyError: 'epochs'"."""
    name = type(error).__name__
    return f"{name}: {first_line(error)}" if str(error).strip() else name
