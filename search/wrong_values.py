"""Wrong values of settings, each told in one line with what would be right. Pure."""

import difflib
import re

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from search.formatting import printable
from search.recipe_checks import without_password

_SHOWN = 200  # characters of a wrong value


def describe_errors(error: ValidationError) -> str:
    """Return a pydantic error as one line: each setting, what is wrong with it, and its value."""
    return "; ".join(
        _describe(one["loc"], one["msg"], one["input"]) + _nearest(one) for one in error.errors()
    )


def unknown_setting(name: str, value: object, known: list[str]) -> str:
    """Return what a setting that a recipe does not have is told, with the nearest it has."""
    shown = name if name.isidentifier() and len(name) <= _SHOWN else _shown(name)
    if isinstance(value, dict):
        return f"[{shown}] is a table, and a recipe has none: give its settings without it"
    nearest = difflib.get_close_matches(name[:_SHOWN], known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known settings: {', '.join(known)}"
    return f"{shown} is not a setting of a recipe: {hint}"


def _nearest(error: ErrorDetails) -> str:
    """Return which of a setting's values a wrong one comes nearest to, nothing without one."""
    if error["type"] != "literal_error" or not isinstance(error["input"], str):
        return ""
    accepted = re.findall(r"'([^']+)'", error["ctx"]["expected"])
    nearest = difflib.get_close_matches(error["input"][:_SHOWN].lower(), accepted, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _describe(loc: tuple[int | str, ...], message: str, value: object) -> str:
    message = message.removeprefix("Value error, ")
    if not loc:
        return message
    name = ".".join(str(part) for part in loc)
    return printable(f"{name}: {message[0].lower()}{message[1:]}, got {_shown(value)}")


def _shown(value: object) -> str:
    try:
        text = without_password(repr(value))
    except ValueError:  # of Python: an integer of thousands of digits
        return "a huge number"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
