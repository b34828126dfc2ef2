"""Processes as the system shows them in /proc: who descends from whom, and who still lives."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

_PROC = Path("/proc")
_POLL_SECONDS = 0.02
_GONE = (FileNotFoundError, ProcessLookupError)


@final
@dataclass(frozen=True)
class Process:
    """A process; with the clock tick of its `start` it is no other that got the same number."""

    pid: int
    parent: int
    start: int

    def lives(self) -> bool:
        """Return whether it runs still."""
        now = _read(self.pid)
        return now is not None and now.start == self.start

    def kill(self) -> None:
        """Send it SIGKILL, unless it has ended."""
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.lives():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def command(self) -> str:
        """Return its command line; "" if it has ended."""
        try:
            return (_PROC / str(self.pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except _GONE:
            return ""


def children(*parents: int) -> list[Process]:
    """Return the living processes that one of `parents` started."""
    return [process for process in _all() if process.parent in parents]


def descendants(ancestor: int) -> list[Process]:
    """Return the living processes that one started, and those started by them, parents first."""
    found = generation = children(ancestor)
    while generation:
        generation = children(*(one.pid for one in generation))
        found = found + generation
    return found


def workers(coordinator: int) -> list[Process]:
    """Return a coordinator's workers, which are forked by a server that is its child."""
    return children(*(child.pid for child in children(coordinator)))


def family(coordinator: int) -> list[Process]:
    """Return all that a coordinator started, its workers last."""
    return children(coordinator) + workers(coordinator)


def await_end(processes: Sequence[Process], patience: float) -> tuple[float, list[Process]]:
    """Wait until none of them lives; returns how many seconds the last lived, and which did.

    Those that live still when the patience has ended are returned with infinite seconds.
    """
    begin, last = time.monotonic(), list(processes)
    while alive := [process for process in last if process.lives()]:
        last = alive
        if time.monotonic() - begin > patience:
            return float("inf"), last
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - begin, last


def _all() -> Iterator[Process]:
    found = (_read(int(path.name)) for path in _PROC.iterdir() if path.name.isdigit())
    yield from (process for process in found if process is not None)


def _read(pid: int) -> Process | None:
    """Return a process that runs; one that has ended but is not reaped yet does not."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except _GONE:
        return None
    fields = stat.rpartition(")")[2].split()  # after the name, which may hold anything
    return None if fields[0] in "ZX" else Process(pid, int(fields[1]), int(fields[19]))
