"""Checks of single settings, and errors that name the setting, its value and what is accepted."""

import difflib
import numbers
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import final

from pydantic import GetCoreSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from search.text import listed, printable

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# What runs_dir contains besides the studies' folders, including SQLite's files.
_TAKEN_NAMES = (
    "artifacts",
    "comparison",
    "studies.db",
    "studies.db-journal",
    "studies.db.locks",
    "studies.db-shm",
    "studies.db-wal",
)


@final
@dataclass(frozen=True)
class OneOf:
    """Annotates a setting that is one of several texts; a Literal whose values are computed.

    Attributes:
        values: The texts.
        file: How an object in a user's file is given, where that is accepted, too.
    """

    values: tuple[str, ...]
    file: str | None = None

    def accepted(self) -> tuple[str, ...]:
        """Return everything that is accepted, in words."""
        return self.values if self.file is None else (*self.values, self.file)

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema that accepts only these texts."""
        del source, handler
        literal = core_schema.literal_schema(list(self.values))
        if self.file is None:
            return literal
        return core_schema.no_info_wrap_validator_function(self._or_object, literal)

    def _or_object(self, value: object, literal: ValidatorFunctionWrapHandler) -> object:
        if isinstance(value, str) and names_object(value):
            return check_text(value)
        try:
            return literal(value)
        except ValidationError as error:
            expected = listed([*map(repr, self.values), str(self.file)], "or")
            raise PydanticCustomError(
                "literal_error", "Input should be {expected}", {"expected": expected}
            ) from error


def names_object(text: str) -> bool:
    """Return whether a text names an object in a user's file: `FILE.py:NAME`."""
    return re.fullmatch(r".+\.py:[^\W\d]\w*", text) is not None


def find_beside(value: object, folder: Path) -> object:
    """Return `FILE.py:NAME` with the file in a folder, where it only is there, or the value.

    A file that exists as it is named, from the working directory, comes first. One below the
    working directory is named from there, any other by its absolute path.

    Raises:
        ValueError: There are two different files, and either may be meant.
    """
    file, _, name = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not file.endswith(".py"):
        return value
    try:
        named, here = Path(file).expanduser(), Path.cwd()
        found = (folder / named.parent).resolve() / named.name
        is_here, is_there = named.is_file(), found.is_file()
        differs = is_here and is_there and named.read_bytes() != found.read_bytes()
    except (OSError, RuntimeError, ValueError):  # no file can have that name; its user says so
        return value
    if differs:
        raise ValueError(
            f"{str(named)!r} is in the working directory and, with other code, in {str(folder)!r}, "
            "beside the recipe: rename one"
        )
    if is_here or not is_there:
        return value
    return f"{found.relative_to(here) if found.is_relative_to(here) else found}:{name}"


def parse_duration(value: object) -> object:
    """Return the seconds of texts such as "90s", "30m", "1.5h" or "2d", other values unchanged."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|)", value.strip())
    if match is None:
        raise ValueError("must be a duration such as 90s, 30m, 1.5h or 2d")
    if not float(match[1]):
        raise ValueError("must be longer than 0, such as 90s, 30m, 1.5h or 2d")
    if not match[2]:  # ambiguous
        raise ValueError(f"must have a unit: {match[1]}s, {match[1]}m (minutes), {match[1]}h")
    return float(match[1]) * _SECONDS[match[2][0]]


def parse_ranges(value: object) -> object:
    """Return texts such as "sgd_lr=1e-4..1" as a tuple ordered by name, other values unchanged.

    Raises ValueError if a text is of another form, or a name is given twice.
    """
    if isinstance(value, Mapping):
        accepted = "texts such as 'sgd_lr=1e-4..1' and 'batch_size=32,64'"
        raise ValueError(f"must be {accepted}")  # noqa: TRY004 - which pydantic would not catch
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
        return value
    if not all(re.fullmatch(r"\s*[^\s=]+\s*=.*\S.*", one) for one in texts):
        raise ValueError("must be NAME=LOW..HIGH, NAME=CHOICE,CHOICE or NAME=VALUE")
    parts = sorted([part.strip() for part in one.split("=", 1)] for one in texts)
    names = [name for name, _ in parts]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"must give each parameter one range, and gives {twice[0]!r} several")
    return tuple(f"{name}={text}" for name, text in parts) or None


def check_device(value: str) -> str:
    """Return the value; raises ValueError unless it is auto, cpu, cuda or cuda:N."""
    if re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", value) is None:
        raise ValueError("must be auto, cpu, cuda or cuda:N")
    return value


def check_text(value: str) -> str:
    """Return the value; raises ValueError unless it can be stored, printed and used in paths.

    Python represents names on the command line that are not UTF-8 by surrogates.
    """
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("must be valid UTF-8 without NUL characters")
    return value


def check_named(value: object) -> object:
    """Return the value; raises ValueError for an empty text, which would mean this folder."""
    if value == "":
        raise ValueError("must name a folder, such as . for this one")
    return value


def check_path(value: Path) -> Path:
    """Return the value with "~/" expanded; raises ValueError as `check_text` does."""
    return Path(expand_home(check_text(str(value))))


def plain(value: object) -> object:
    """Return Python's own value for one of another library; others as they are.

    That is for NumPy's numbers, and for a device of torch.
    """
    if type(value).__module__ == "torch" and type(value).__name__ == "device":
        return str(value)
    match value:
        case bool() | int() | float():
            return value
        case numbers.Integral():
            return int(value)
        case numbers.Real():
            return float(value)
        case _:
            return value


def expand_home(text: str) -> str:
    """Return a path with "~/" at its start expanded, as a shell does outside of quotes."""
    return str(Path(text).expanduser()) if Path(text).parts[:1] == ("~",) else text


_LONGEST_NAME = 64  # characters of a study's name


def derived_name(name: str, suffix: str) -> str:
    """Return a study's name with a suffix; a long one loses the end before it."""
    return name[: _LONGEST_NAME - len(suffix)] + suffix


def check_study_name(value: str) -> str:
    """Return the value; raises ValueError unless it can name a study's folder in runs_dir."""
    if re.fullmatch(rf"[A-Za-z0-9._-]{{1,{_LONGEST_NAME}}}", value) is None:
        raise ValueError(f"must be 1 to {_LONGEST_NAME} of the characters A-Z a-z 0-9 . _ -")
    if value[0] in ".-":  # it would be a hidden folder, or look like an option
        raise ValueError("must not begin with . or -")
    if value.lower() in _TAKEN_NAMES:  # some file systems ignore case
        raise ValueError(f"must not be one of {', '.join(_TAKEN_NAMES)}")
    return value


def without_password(text: str) -> str:
    """Return the text; if it is a database URL, without its password."""
    text = re.sub(r"([?&]password=)[^&\s'\"]*", r"\1", text)
    return re.sub(r"([^:/\s]+://[^:/@]*):[^@]*@", r"\1@", text)


def password_note(given: object, shown: object) -> str:
    """Return what to say after a command that is shown without the password that was given."""
    return "" if shown == given else " (with the database password in the URL or in PGPASSWORD)"


_MAX_SHOWN = 200  # characters of a wrong value


def describe_errors(error: ValidationError) -> str:
    """Return a pydantic error as one line: each setting, what is wrong with it, and its value."""
    return "; ".join(
        _describe(one["loc"], one["msg"], one["input"]) + _nearest(one) for one in error.errors()
    )


def describe_value_error(error: ValueError) -> str:
    """Return a ValueError as one line, whether pydantic raised it or not."""
    return describe_errors(error) if isinstance(error, ValidationError) else str(error)


def unknown_setting(name: str, value: object, known: list[str]) -> str:
    """Return the error for a setting that does not exist, with the most similar one."""
    shown = name if name.isidentifier() and len(name) <= _MAX_SHOWN else _shown(name)
    if isinstance(value, dict):
        return f"[{shown}] is a table, but a recipe has no tables: give its settings without it"
    nearest = difflib.get_close_matches(name[:_MAX_SHOWN], known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known settings: {', '.join(known)}"
    return f"{shown} is not a setting of a recipe: {hint}"


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """Return "did you mean 'tpe'?" for a name, or which names are known if none is similar."""
    names = list(known)
    nearest = difflib.get_close_matches(name[:_MAX_SHOWN], names, n=1)
    return f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(names)}"


def _nearest(error: ErrorDetails) -> str:
    """Return a hint at the accepted value that is most similar to a wrong one, if any."""
    if error["type"] != "literal_error" or not isinstance(error["input"], str):
        return ""
    accepted = re.findall(r"'([^']+)'", error["ctx"]["expected"])
    nearest = difflib.get_close_matches(error["input"][:_MAX_SHOWN].lower(), accepted, n=1)
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
    except ValueError:  # Python refuses to print integers with thousands of digits
        return "a huge number"
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
