"""A lock on a file: the operating system frees it when its holder dies."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from search.tuning.holder import HeldError, Holder

_KERNELS_LOCKS = Path("/proc/locks")  # of Linux


@contextmanager
def file_lock(lock: Path, holder: Path) -> Iterator[None]:
    """Hold the lock for the block; the file `holder` says meanwhile who does.

    Its folder must exist. Raises HeldError where it is taken, OSError where it cannot be made.
    """
    held = FileLock(lock)
    try:
        held.acquire(blocking=False)
    except Timeout as error:
        raise HeldError(str(_read(holder) or "another process")) from error
    try:
        holder.write_text(json.dumps(asdict(Holder())), encoding="utf-8")
        yield
    finally:
        held.release()


def file_lock_holder(lock: Path, holder: Path) -> Holder | None:
    """Return who holds the lock, None where nobody does.

    It is only asked for, never taken: a run that starts meanwhile is not refused. Of another host
    nothing more can be known than that it took the lock last.
    """
    who = _read(holder)
    if who is None or not lock.exists():
        return None
    elsewhere = who.host != Holder().host
    return who if elsewhere or _holds(who.process, lock) else None


def _read(holder: Path) -> Holder | None:
    try:
        return Holder(**json.loads(holder.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # it is only just being written
        return None


def _holds(process: int, lock: Path) -> bool:
    """Return whether a process of this host holds the lock; where none can say so, if it lives."""
    if _KERNELS_LOCKS.exists():
        held = (line.split() for line in _KERNELS_LOCKS.read_text(encoding="utf-8").splitlines())
        place = str(lock.stat().st_ino)
        return any(_is(entry, process, place) for entry in held)
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is another user's
        return True
    return True


def _is(entry: list[str], process: int, inode: str) -> bool:
    """Return whether that is the lock: an entry is number, kind, .., .., process, device:inode."""
    return entry[1] == "FLOCK" and entry[4] == str(process) and entry[5].endswith(f":{inode}")
