"""Runs jobs in worker processes on this machine."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from typing import Self, TypeVar, final

from loky import ProcessPoolExecutor

from search.executors.base import Executor, Job, run_job
from search.executors.cluster.settings import ClusterSettings
from search.executors.process_settings import keep_freed_memory, start_server, without_main
from search.stopping import STOP_SIGNALS

T = TypeVar("T")


@final
class ProcessExecutor(Executor):
    """One loky process per slot, each in its own pool, so that a crash affects one job only.

    The processes start in the background, which takes seconds, while the study is prepared.
    """

    name = "processes"

    def __init__(self, slots: int, threads: int) -> None:
        if slots < 1:
            raise ValueError(f"slots must be at least 1, got {slots!r}")
        self._context = start_server(threads)
        self._pools: list[ProcessPoolExecutor] = []
        self.resize(slots)

    @classmethod
    def start(cls, slots: int, threads: int, cluster: ClusterSettings | None = None) -> Self:
        del cluster
        return cls(slots or 1, threads)

    @property
    def slots(self) -> int:
        return len(self._pools)

    def resize(self, slots: int) -> None:
        """Start missing processes, kill surplus ones."""
        while len(self._pools) < slots:
            self._pools.append(self._pool())
        while len(self._pools) > slots:
            self._pools.pop().shutdown(wait=True, kill_workers=True)

    def submit(self, slot: int, job: Job[T]) -> "Future[T]":
        """Start a job; a pool whose worker has died is replaced first."""
        future: Future[T]
        try:
            future = self._pools[slot].submit(run_job, job)
        except RuntimeError:
            self._pools[slot] = self._pool()
            future = self._pools[slot].submit(run_job, job)
        return future

    def kill(self, slot: int) -> None:
        """Kill the slot's process; the next job there gets a new one."""
        kill = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows lacks it; there both kill
        for pid in self.pids(slot):
            with suppress(ProcessLookupError):  # it has ended, which its pool is yet to notice
                os.kill(pid, kill)

    def close(self) -> None:
        self.resize(0)

    def pids(self, slot: int) -> list[int]:
        """Return the id of the slot's process, if it has started."""
        return list(self._pools[slot]._processes or {})

    def _pool(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            max_workers=1, timeout=None, context=self._context, initializer=_prepare
        )
        with without_main():
            pool.submit(_wake)
        return pool


def _wake() -> None:
    """Import what jobs need, unless the process was forked with it."""
    import_module("search.executors.preload")


def _prepare() -> None:
    """Set up a worker: it ignores stop signals, and exits when the scheduler does.

    What a user's network prints goes to standard error, as programs may read standard output.
    """
    with suppress(OSError):  # which is closed
        os.dup2(2, 1)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    keep_freed_memory()

    def watch() -> None:
        scheduler = multiprocessing.parent_process()
        if scheduler is not None:
            scheduler.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
