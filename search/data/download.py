"""Downloads: files with known checksums, atomically, from servers that may not answer."""

import hashlib
import queue
import threading
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from search.errors import MachineError
from search.files import atomic_write

PATIENCE_SECONDS = 30.0
_STALL_SECONDS = 30.0
_CHUNK_BYTES = 1 << 18


def md5_of(path: Path) -> str | None:
    """Return a file's md5 in hex; None if there is no such file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def download(
    url: str, path: Path, md5: str, *, patience: float, progress: Callable[[int, int], None]
) -> None:
    """Download `url` to `path`, atomically and only if its md5 is right.

    Args:
        url: The file.
        path: Where it is written.
        md5: Its checksum.
        patience: Seconds that the server may take to answer.
        progress: Gets the number of bytes so far and in total.

    Raises:
        MachineError: The download failed; nothing half-written is kept.
    """
    try:
        with _open_within(url, patience) as answer, atomic_write(path) as file:
            found = _copy(answer, file, progress)
            if found != md5:
                raise OSError(f"the file is incomplete or changed (md5 {found}, expected {md5})")
    except (OSError, HTTPException) as error:
        raise MachineError(f"download of {url} failed: {_reason(error)}") from error


def _open_within(url: str, seconds: float) -> Any:
    """Open `url`; the time limit includes name resolution, which sockets do not limit."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        request = urllib.request.Request(url, headers={"User-Agent": "cifar-search"})  # noqa: S310
        try:
            answers.put(urllib.request.urlopen(request, timeout=_STALL_SECONDS))  # noqa: S310
        except (OSError, HTTPException) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _copy(answer: Any, file: IO[bytes], progress: Callable[[int, int], None]) -> str:
    """Copy the answer's body and return its md5 in hex."""
    digest, done = hashlib.md5(usedforsecurity=False), 0
    total = int(answer.headers.get("Content-Length") or 0)
    while chunk := answer.read(_CHUNK_BYTES):
        file.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        progress(done, max(done, total))
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)  # of a URLError
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(text.split())
