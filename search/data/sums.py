"""Sums of a source's files: whether one changed although its size and time of change did not.

Copying tools and careless scripts keep a file's time. What they cannot keep is the time at which
the file system last changed anything about the file (`st_ctime`): files for which that is later
than the last look are read again, all others are taken as they were.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import final

import joblib

from search.files import is_special, sha256_of, write_file

_TASK_FILES = 64
_GRANULARITY_NS = 2_000_000_000  # FAT keeps times in steps of two seconds


def file_states(files: Iterable[Path]) -> bytes:
    """Return a line with size, time of change and path of each file, for a fingerprint."""
    states = ((path.stat(), path) for path in files)
    lines = (f"{status.st_size} {status.st_mtime_ns} {path}\n" for status, path in states)
    return "".join(lines).encode(errors="surrogateescape")


@final
class FileSums:
    """The stored sums of files; the time of their own file says when somebody last looked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def store(self, files: Iterable[Path]) -> None:
        """Sum all files; raises OSError if the sums cannot be written."""
        write_file(self._path, json.dumps(sums_of(list(files))))

    def changed(self, files: Iterable[Path], *, every: bool = False) -> tuple[Path, ...]:
        """Return the files whose bytes are not those that were summed.

        Where nothing was summed, as in caches of older versions, no file counts as changed.

        Args:
            files: Those that are there now.
            every: Whether to read all of them; otherwise only those that may have changed.

        Raises:
            OSError: A file is gone.
        """
        if not self._path.exists():
            return ()
        seen = self._path.stat().st_mtime_ns - _GRANULARITY_NS
        suspects = [path for path in files if every or _changed_ns(path) > seen]
        if not suspects:
            return ()
        stored: Mapping[str, str | None] = json.loads(self._path.read_bytes())
        now = sums_of(suspects)
        changed = tuple(path for path in suspects if stored.get(str(path), "") != now[str(path)])
        if not changed:
            self._path.touch()  # so that they need not be read the next time
        return changed


def _changed_ns(path: Path) -> int:
    """Return when the file was changed; of a link that leads nowhere, when that was."""
    try:
        return path.stat().st_ctime_ns
    except FileNotFoundError:
        return path.lstat().st_ctime_ns


def sums_of(files: Sequence[Path]) -> dict[str, str | None]:
    """Return the SHA-256 of each file by its path; None for one that cannot be read."""
    tasks = [files[i : i + _TASK_FILES] for i in range(0, len(files), _TASK_FILES)]
    found = joblib.Parallel(-1, prefer="threads")(joblib.delayed(_sum_all)(one) for one in tasks)
    sums = [one for task in found for one in task]
    return dict(zip(map(str, files), sums, strict=True))


def _sum_all(files: Sequence[Path]) -> list[str | None]:
    return [_sum(path) for path in files]


def _sum(path: Path) -> str | None:
    if is_special(path):
        return None
    try:
        return sha256_of(path)
    except OSError:
        return None
