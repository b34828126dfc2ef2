"""Runs a command for a time and ends whatever it started. Linux alone."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36  # prctl.h


def run_for(command: Sequence[str], seconds: float | None, log: Path) -> int | None:
    """Return the command's exit status, or None where it was killed after `seconds`.

    Its output goes to `log`. Everything that it started has ended afterwards, what detached
    itself included: this process adopts orphans.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _kill_descendants()
            process.wait()


def _kill_descendants() -> None:
    """Kill until nobody is left: a killed process's children become this one's."""
    while pids := _descendants(os.getpid()):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.05)


def _descendants(ancestor: int) -> set[int]:
    parents = dict(_parents())
    found: set[int] = set()
    while more := {p for p, up in parents.items() if up in found | {ancestor}} - found:
        found |= more
    return found


def _parents() -> list[tuple[int, int]]:
    pairs = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            after_name = path.read_text().rpartition(")")[2].split()
            pairs.append((int(path.parent.name), int(after_name[1])))
    return pairs
