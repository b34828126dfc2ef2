"""One coordinator a study: a lock that the operating system frees when its holder dies."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from search.errors import UserError
from search.paths import RunPaths


@contextmanager
def study_lock(paths: RunPaths) -> Iterator[None]:
    """Hold the study's lock for the block; raises UserError, saying who holds it, if taken."""
    if paths.study_dir.exists() and not paths.study_dir.is_dir():
        raise UserError(
            f"study_name: {paths.study_dir} is a file, and the study needs a folder there"
        )
    paths.study_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.lock)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise UserError(
            f"study {paths.study_name!r} is being run by {_holder(paths)}; wait for it, end it, "
            "or give another --study-name"
        ) from error
    try:
        _sign(paths)
        yield
    finally:
        lock.release()


def _sign(paths: RunPaths) -> None:
    facts = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    paths.lock_holder.write_text(json.dumps(facts), encoding="utf-8")


def _holder(paths: RunPaths) -> str:
    try:
        facts = json.loads(paths.lock_holder.read_text(encoding="utf-8"))
        return f"process {facts['process']} on {facts['host']} since {facts['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
