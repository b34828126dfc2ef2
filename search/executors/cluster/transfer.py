"""Files sent to a worker's machine and fetched from it, in parts and verified by SHA-256.

The functions that take paths of a worker run there. Parts bound the memory on all machines that a
file passes through, the scheduler's too.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, final

from search.errors import MachineError
from search.files import atomic_write, sha256_of, write_file

PART_BYTES = 4 << 20


class Remote(Protocol):
    """Runs functions on a worker."""

    @property
    def address(self) -> str:
        """Return the worker's address."""

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Return what the function, which may be a coroutine's, returns there; raises likewise."""


@final
class FileState(NamedTuple):
    """A file's name, its size in bytes, and when it was written in nanoseconds."""

    name: str
    size: int
    written: int


# What runs on the worker


async def sum_there(path: Path) -> str | None:
    """Return the SHA-256 of a file; None if there is none."""
    return await asyncio.to_thread(sha256_of, path) if path.is_file() else None


def write_part(path: Path, offset: int, content: bytes) -> None:
    """Write a part of a file; the first one creates the file and its folder."""
    if offset == 0:
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if offset else "wb") as file:
        file.seek(offset)
        file.write(content)


async def keep_written(partial: Path, path: Path, sha256: str) -> bool:
    """Rename a whole file to its name if its sum is right, else remove it; returns which."""
    right = await sum_there(partial) == sha256
    if right:
        partial.replace(path)
    else:
        partial.unlink(missing_ok=True)
    return right


def remove_written(partial: Path) -> None:
    """Remove what was written of a file."""
    partial.unlink(missing_ok=True)


def states_there(folder: Path, pattern: str) -> list[FileState]:
    """Return the state of the files in a folder whose names match a pattern such as "*.txt"."""
    return [_state(path) for path in sorted(folder.glob(pattern)) if path.is_file()]


def _state(path: Path) -> FileState:
    facts = path.stat()
    return FileState(path.name, facts.st_size, facts.st_mtime_ns)


def read_part(path: Path, offset: int) -> tuple[FileState, bytes] | None:
    """Return the file's state and a part of its content; None if it is gone."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return _state(path), file.read(PART_BYTES)
    except FileNotFoundError:
        return None


# What runs here


def send_file(remote: Remote, source: Path, target: Path, token: str) -> None:
    """Write a file on the worker's machine unless the same is there.

    Args:
        remote: The worker.
        source: The file here.
        target: Its path there.
        token: Tells this transfer from others of the same file.

    Raises:
        MachineError: There is no room for it, or its bytes arrive changed.
    """
    sha256 = sha256_of(source)
    if remote.call(sum_there, target) == sha256:
        return
    partial = target.with_name(f".{target.name}.{token}.partial")
    try:
        _send_parts(remote, source, partial)
        arrived = remote.call(keep_written, partial, target, sha256)
    except OSError as error:
        if error.errno is None:  # the connection's, not the disk's
            raise
        remote.call(remove_written, partial)
        raise MachineError(
            f"worker {remote.address} cannot write {target.name} ({source.stat().st_size:,} "
            f"bytes): {error.strerror}; everything so far is kept: make room in {target.parent} "
            "there, then run it again to resume"
        ) from error
    if not arrived:
        raise MachineError(
            f"worker {remote.address}: the bytes of {target.name} differ from those sent; "
            "everything so far is kept: run it again to resume"
        )


def _send_parts(remote: Remote, source: Path, partial: Path) -> None:
    with source.open("rb") as file:
        offset, content = 0, file.read(PART_BYTES)
        while content or offset == 0:
            remote.call(write_part, partial, offset, content)
            offset += max(len(content), 1)
            content = file.read(PART_BYTES)


def send_text(remote: Remote, text: str, target: Path) -> None:
    """Write a short file on the worker's machine."""
    remote.call(write_part, target, 0, text.encode())


def fetch_file(remote: Remote, source: Path, target: Path) -> bool:
    """Write a worker's file here, atomically and durably.

    Returns False if it is gone, or was replaced meanwhile.
    """
    first = remote.call(read_part, source, 0)
    if first is None:
        return False
    state, content = first
    target.parent.mkdir(parents=True, exist_ok=True)
    if len(content) == state.size:
        write_file(target, content, durable=True)
        return True
    try:
        with atomic_write(target, durable=True) as file:
            offset = 0
            while content:
                file.write(content)
                offset += len(content)
                part = remote.call(read_part, source, offset)
                if part is None or part[0] != state:
                    raise _ReplacedError
                content = part[1]
    except _ReplacedError:
        return False
    return True


@final
class _ReplacedError(Exception):
    """A file changed while it was fetched."""
