"""Checks of single settings of a recipe; each raises ValueError, which pydantic words."""

import re
from pathlib import Path

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# What lies in runs_dir beside the studies' folders, and the files that SQLite adds.
_TAKEN_NAMES = (
    "artifacts",
    "comparison",
    "studies.db",
    "studies.db-journal",
    "studies.db.locks",
    "studies.db-shm",
    "studies.db-wal",
)


def parse_duration(value: object) -> object:
    """Return seconds for texts such as "90s", "30m", "1.5h" or "2d"; pass other values on."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|)", value.strip())
    if match is None:
        raise ValueError("must be a duration such as 90s, 30m, 1.5h or 2d")
    if not match[2]:  # minutes to one, seconds to another
        raise ValueError(f"must have a unit: {match[1]}s, {match[1]}m (minutes), {match[1]}h")
    return float(match[1]) * _SECONDS[match[2][0]]


def check_device(value: str) -> str:
    """Return the value; raises ValueError unless it is auto, cpu, cuda or cuda:N."""
    if re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", value) is None:
        raise ValueError("must be auto, cpu, cuda or cuda:N")
    return value


def check_text(value: str) -> str:
    """Return the value; raises ValueError unless it can be stored, printed and given to the system.

    A name that is not UTF-8 comes from the command line with surrogates in it.
    """
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("must be valid UTF-8 without NUL characters")
    return value


def check_named(value: object) -> object:
    """Return the value; raises ValueError for an empty text, which would be the present folder."""
    if value == "":
        raise ValueError("must name a folder, such as . for this one")
    return value


def check_path(value: Path) -> Path:
    """Return the value; raises ValueError as `check_text` does."""
    return Path(check_text(str(value)))


def check_study_name(value: str) -> str:
    """Return the value; raises ValueError unless it can name a study's folder in runs_dir."""
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value) is None:
        raise ValueError("must be 1 to 64 of the characters A-Z a-z 0-9 . _ -")
    if value[0] in ".-":  # a hidden folder, or an option of a command
        raise ValueError("must not begin with . or -")
    if value.lower() in _TAKEN_NAMES:  # some disks know no capitals
        raise ValueError(f"must not be one of {', '.join(_TAKEN_NAMES)}")
    return value


def without_password(text: str) -> str:
    """Return the text, a database's URL without its password."""
    text = re.sub(r"([?&]password=)[^&\s'\"]*", r"\1", text)
    return re.sub(r"([^:/\s]+://[^:/@]*):[^@]*@", r"\1@", text)
