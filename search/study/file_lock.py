"""A lock on a file: the operating system frees it when its holder dies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from search.study.holder import HeldError, Holder


@contextmanager
def file_lock(lock: Path, holder: Path) -> Iterator[None]:
    """Hold the lock for the block; the file `holder` says meanwhile who does.

    Its folder must exist. Raises HeldError where it is taken, OSError where it cannot be made.
    """
    held = FileLock(lock)
    try:
        held.acquire(blocking=False)
    except Timeout as error:
        raise HeldError(_read(holder)) from error
    try:
        holder.write_text(json.dumps(asdict(Holder())), encoding="utf-8")
        yield
    finally:
        held.release()


def _read(holder: Path) -> str:
    try:
        return str(Holder(**json.loads(holder.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):  # it is only just being written
        return "another process"
