"""What is wrong with a space, as opposed to a point that it rejects; errors in one line."""

import reprlib
from typing import final

from pydantic import ValidationError

from search.errors import UserError

_UNTOLD = ("missing",)  # their input is all that was given
_LONGEST = 200  # characters of a wrong value


@final
class SpaceError(UserError, ValueError):
    """A mistake in a space, such as a range upside down; unlike other ValueErrors no rejection."""


@final
class AllRejectedError(UserError, ValueError):
    """A space rejects every point.

    Attributes:
        reason: Why it rejects the first one.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"every point is rejected: {reason}")
        self.reason = reason


@final
class SettingError(UserError, ValueError):
    """A wrong setting of a candidate, in one line; a space that makes it rejects the point."""


def reason_of(error: BaseException) -> str:
    """Return what an error says in one line; of settings, the first wrong one with its value."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split()) or type(error).__name__
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in (error.title, *first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{field}: there is no such setting"
    message = f"{field}: {first['msg'].removeprefix('Value error, ')}"
    short = reprlib.Repr()
    short.maxother = short.maxstring = _LONGEST
    given = short.repr(first["input"])
    if first["type"] in _UNTOLD or given in message:
        return message
    return f"{message}, got {given}"
