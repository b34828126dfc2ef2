"""Settings of a process that trains, below torch: OpenMP's waiting and the C library's memory."""

import ctypes
import multiprocessing
import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from types import ModuleType

from search.stopping import signals_handled

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP_BYTES = 1 << 30
_LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc refuses more
_PR_SET_PDEATHSIG = 1  # sys/prctl.h


def openmp_settings(threads: int) -> dict[str, str]:
    """Return the environment with which OpenMP must start, as it is read when torch is imported.

    Waiting threads sleep. By default they spin, which starves everything else on the machine: with
    one other busy process a run of two threads was 12 times slower.
    """
    return {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}


def worker_settings(threads: int) -> dict[str, str]:
    """Return the environment of workers: OpenMP's, and that their size does not end them.

    A training may need any memory. Loky would take what it needs more than when it started for a
    leak, and restart the worker with a warning.
    """
    return openmp_settings(threads) | {"LOKY_MAX_MEMORY_LEAK_SIZE": str(1 << 60)}


def start_server(threads: int) -> BaseContext:
    """Start the server that worker processes are forked from; return the context that makes them.

    The server imports torch once, in the background; workers share its pages and start at once.
    The first call decides the server's environment. Where processes cannot be forked, every worker
    imports torch itself.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["search.executors.preload"])
    settings = worker_settings(threads) | _import_settings()
    # Signals to stop go to the whole process group, and are for the scheduler.
    with _environment(settings), signals_handled(signal.SIG_IGN):
        forkserver.ensure_running()
    return context


def _import_settings() -> dict[str, str]:
    """Return the environment in which Python imports this program, whatever the folder it is in.

    A user's own spaces.py there would hide a package of ours.
    """
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def end_server_with_parent() -> None:
    """On Linux, have the system kill this process with its parent, if it is the server.

    The server only notices that its parent is gone once its imports are done, which takes minutes
    on a busy machine, and it ignores the signals to stop.
    """
    serves = any("multiprocessing.forkserver" in argument for argument in sys.orig_argv)
    if serves and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def without_main() -> Iterator[None]:
    """Keep processes that are started in the block from importing the main script.

    They need nothing from it, and a script without the usual guard would run again in each.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def wait_passively() -> None:
    """Apply OpenMP's waiting policy to this process, unless the user chose one."""
    os.environ.setdefault("OMP_WAIT_POLICY", openmp_settings(1)["OMP_WAIT_POLICY"])


def quiet_resource_tracker() -> None:
    """Keep resource trackers from warning when a killed run's semaphores are cleared."""
    modules = ("loky.backend.resource_tracker", "multiprocessing.resource_tracker")
    known = os.environ.get("PYTHONWARNINGS")
    rules = [known] if known else []
    rules += [f"ignore::UserWarning:{module}" for module in modules]
    os.environ["PYTHONWARNINGS"] = ",".join(rules)


def keep_freed_memory() -> bool:
    """Keep freed memory for reuse instead of returning it; returns whether that was possible.

    Training allocates and frees the same large tensors at every step. Memory that was returned to
    the system costs one page fault per page when it is allocated again.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    kept = mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)
    return bool(kept and mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD))
