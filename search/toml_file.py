"""Reading a TOML file, with errors that name the file and the line."""

import re
import tomllib
from pathlib import Path
from typing import Any

from search.errors import UserError

_MAX_BYTES = 1 << 20  # a device file or a video given by mistake is not read to its end


def read_toml(path: Path, what: str = "recipe") -> dict[str, Any]:
    """Return the file's content; raises UserError, naming the file and, if possible, the line.

    Args:
        path: The file.
        what: What it should contain, in a word.
    """
    text = _read_text(path, what)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{what} {path} is not valid TOML: {_located(error, text)}") from error
    except RecursionError as error:
        raise UserError(f"{what} {path} is not valid TOML: values are nested too deeply") from error
    except ValueError as error:  # Python refuses integers with thousands of digits
        raise UserError(f"{what} {path} is not valid TOML: {error}") from error


def _read_text(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UserError(f"{what} {path} does not exist") from error
    except OSError as error:
        raise UserError(f"{what} {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{what} {str(path)!r} is not a file name: {error}") from error
    if len(content) > _MAX_BYTES:
        raise UserError(f"{what} {path} is no such file: it is larger than {_MAX_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{what} {path} is not UTF-8 text: see line {line}") from error


def _located(error: tomllib.TOMLDecodeError, text: str) -> str:
    """Return the error with its line's number and text; the parser omits those of the last line."""
    lines = text.splitlines() or [""]
    message = str(error).replace("at end of document", f"at the end, line {len(lines)}")
    found = re.search(r"line (\d+)", message)
    number = min(int(found[1]), len(lines)) if found else len(lines)
    return f"{message}: {lines[number - 1].strip()[:80]!r}"
