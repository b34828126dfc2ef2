"""What is exported, written to files."""

from collections.abc import Mapping
from pathlib import Path

from search.errors import UserError
from search.formatting import printable


def check_free(path: Path, *, force: bool) -> None:
    """Raise UserError where a file may not be written: it is a folder, or there and not `force`."""
    shown = printable(repr(str(path)))
    if path.is_dir():
        raise UserError(f"output: {shown} is a folder; accepted: the name of a file")
    if path.exists() and not force:
        raise UserError(f"output: {shown} exists; accepted: another name, or --force")


def write_texts(texts: Mapping[Path, str], *, force: bool) -> None:
    """Write each text to its file as UTF-8, none of them where one may not be written.

    Raises UserError where a file is there and not `force`, or cannot be written.
    """
    for path in texts:
        check_free(path, force=force)
    for path, text in texts.items():
        _write(path, text)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.partial")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        shown = printable(repr(str(path)))
        raise UserError(f"output: {shown} cannot be written: {reason}") from error
