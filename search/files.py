"""Files: written atomically, verified by checksum, and checked before a run."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from search.checks import expand_home
from search.errors import MachineError, UserError
from search.text import printable

_MAX_CHECKSUMS_BYTES = 1 << 16


@contextmanager
def atomic_write(
    path: Path, *, durable: bool = False, previous: Path | None = None
) -> Iterator[BinaryIO]:
    """Yield a binary file that replaces `path` when the block ends without an error.

    Args:
        path: The file to write. If the block raises, it stays as it was.
        durable: Whether the content must survive a power cut once the block has ended.
        previous: Where to keep the file that is replaced, if any.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if previous is not None and path.exists():
            path.replace(previous)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # on a full disk every byte counts
        raise
    if durable:
        _sync_folder(path.parent)


def write_file(path: Path, content: bytes | str, *, durable: bool = False) -> None:
    """Write a whole file as `atomic_write` does; text becomes UTF-8."""
    with atomic_write(path, durable=durable) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def make_folder(folder: Path, within: Path) -> None:
    """Create a folder, and those between it and the folder `within`.

    A folder that should be there, but is away with its disk, is not created in its place.

    Raises:
        OSError: `within` does not exist, or the folder cannot be created.
    """
    for parent in reversed([folder, *folder.parents]):
        if parent.is_relative_to(within) and parent != within:
            parent.mkdir(exist_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove the folder with all it holds, if it exists."""
    if folder.exists():
        shutil.rmtree(folder)


def _sync_folder(folder: Path) -> None:
    """Return once the names in the folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def machine_failures(what: str, hint: str) -> Iterator[None]:
    """Turn an OSError of the block into a MachineError: what failed, why, and what to do next."""
    try:
        yield
    except OSError as error:
        raise MachineError(f"{what}: {error.strerror or error}; {hint}") from error


def as_path(value: str | Path, setting: str) -> Path:
    """Return a path that a caller gave, with "~/" expanded; raises UserError if it is none."""
    if not isinstance(value, str | PathLike) or value == "":
        raise UserError(f"{setting}: must be a path, got {value!r} ({type(value).__name__})")
    return Path(expand_home(os.fspath(value)))


def check_writable(folder: Path, setting: str = "runs_dir") -> None:
    """Check that a folder, or the one in which it would be created, can be written.

    Raises:
        UserError: A file is in the way.
        MachineError: The folder is read-only, or takes no files.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        raise UserError(f"{setting} must be a folder, got the file {str(there)!r}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise MachineError(
            f"{setting}: {str(there)!r} is read-only for you, and nothing was changed; give "
            "another folder, or make this one writable"
        )
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise MachineError(
            f"{setting}: no file can be written to {str(there)!r}: {reason}; give another folder"
        ) from error


def check_output(path: Path, *, force: bool) -> None:
    """Raise UserError if `path` is a folder, or a file that exists and `force` is not given."""
    shown = printable(repr(str(path)))
    if path.is_dir():
        raise UserError(f"output: {shown} is a folder; accepted: the name of a file")
    if path.exists() and not force:
        raise UserError(f"output: {shown} exists; accepted: another name, or --force")


def write_outputs(texts: Mapping[Path, str], *, force: bool, within: Path | None = None) -> None:
    """Write the files that a user asked for; none of them if one may not be written.

    Args:
        texts: The text of each file.
        force: Whether files that exist are replaced.
        within: A folder below which the files' folders are created; None: they must exist.

    Raises:
        UserError: A file exists and `force` is not given, or a file cannot be written.
    """
    for path in texts:
        check_output(path, force=force)
    for path, text in texts.items():
        try:
            if within is not None:
                make_folder(path.parent, within)
            write_file(path, text)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            shown = printable(repr(str(path)))
            raise UserError(f"output: {shown} cannot be written: {reason}") from error


def checksums_path(folder: Path) -> Path:
    """Return the file with the SHA-256 checksums of a folder's files."""
    return folder / "SHA256SUMS"


def write_checksums(paths: Sequence[Path]) -> None:
    """Write the checksums of files that are all in one folder, durably. Raises OSError."""
    lines = [f"{sha256_of(path)}  {path.name}\n" for path in paths]
    write_file(checksums_path(paths[0].parent), "".join(lines), durable=True)


def verify_checksums(paths: Sequence[Path]) -> None:
    """Verify files that are all in one folder.

    Raises:
        ValueError: A file is missing, has no checksum, or has changed.
        OSError: A file cannot be read.
    """
    known = _read_checksums(checksums_path(paths[0].parent))
    for path in paths:
        if not path.is_file():
            raise ValueError(f"{path.name} is missing")
        if known.get(path.name) != sha256_of(path):
            raise ValueError(f"{path.name} does not match its SHA-256 checksum")


def _read_checksums(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise ValueError(f"{path.name} is missing")
    with path.open("rb") as file:
        lines = file.read(_MAX_CHECKSUMS_BYTES).decode(errors="replace").splitlines()
    pairs = [line.partition("  ") for line in lines]
    return {name: sha256 for sha256, _, name in pairs}


def is_special(path: Path) -> bool:
    """Return whether a path is there and no file, such as a pipe, whose reader would wait."""
    return path.exists() and not path.is_file()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file; raises OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
