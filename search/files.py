"""Files: written whole or not at all, summed, checked before a run, failures in one line."""

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from search.errors import MachineError, UserError
from search.text import printable


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the place of `path` when the block ends, and is on the disk then.

    Where the block raises, what was there stays. Raises OSError.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)  # on a full disk every byte counts
        raise
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Return once a file, or the names in a folder, are on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(folder: Path, setting: str = "runs_dir") -> None:
    """Raise unless the folder, or that in which it would be made, can be written.

    UserError where a file stands in its way, MachineError where it is read-only; each names the
    setting, its folder and what is accepted.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        raise UserError(f"{setting} must be a folder, got the file {str(there)!r}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise MachineError(
            f"{setting}: {str(there)!r} is read-only for you, and nothing was changed; give "
            "another folder, or make this one writable"
        )


# What zipfile and NumPy raise on a damaged npy or npz.
DAMAGED_ARRAYS = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def machine_failures(what: str, remedy: str) -> Iterator[None]:
    """Turn an OSError of the block into a MachineError: what failed, why, and how to go on."""
    try:
        yield
    except OSError as error:
        raise MachineError(f"{what}: {error.strerror or error}; {remedy}") from error


_MOST_BYTES = 1 << 16


def sums_path(folder: Path) -> Path:
    """Return where the sums of a folder's files are kept."""
    return folder / "SHA256SUMS"


def write_sums(paths: Sequence[Path]) -> None:
    """Write the sums of files of one folder, whole or not at all; raises OSError."""
    target = sums_path(paths[0].parent)
    temporary = target.with_suffix(".tmp")
    lines = [f"{_sha256(path)}  {path.name}\n" for path in paths]
    temporary.write_text("".join(lines), encoding="utf-8")
    temporary.replace(target)


def check_sums(paths: Sequence[Path]) -> None:
    """Raise ValueError where a file of one folder is missing or is not as it was written.

    So it is, too, where its sum is not known. Raises OSError where a file cannot be read.
    """
    known = _read_sums(sums_path(paths[0].parent))
    for path in paths:
        if not path.is_file():
            raise ValueError(f"{path.name} is missing")
        if known.get(path.name) != _sha256(path):
            raise ValueError(f"{path.name} is not as it was written: its SHA-256 is another")


def _read_sums(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise ValueError(f"{path.name} is missing")
    with path.open("rb") as file:
        lines = file.read(_MOST_BYTES).decode(errors="replace").splitlines()
    pairs = [line.partition("  ") for line in lines]
    return {name: sha256 for sha256, _, name in pairs}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
