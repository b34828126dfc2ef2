"""Runs jobs in processes of their own on this machine."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future
from importlib import import_module
from typing import Self, TypeVar, final

from loky import ProcessPoolExecutor

from search.executors.base import Executor, Job, run_job
from search.executors.process_settings import keep_freed_memory, start_server, without_main

T = TypeVar("T")


@final
class ProcessExecutor(Executor):
    """One loky process per slot, each in a pool of its own: a death costs only its own job.

    The processes start at once; that takes seconds, in which a study can be made ready.
    """

    name = "processes"

    def __init__(self, slots: int, threads: int) -> None:
        if slots < 1:
            raise ValueError(f"slots must be at least 1, got {slots!r}")
        self._context = start_server(threads)
        self._pools: list[ProcessPoolExecutor] = []
        self.resize(slots)

    @classmethod
    def start(cls, slots: int, threads: int) -> Self:
        """Return an executor of so many processes, each computing with `threads` threads."""
        return cls(slots, threads)

    @property
    def slots(self) -> int:
        """Return the number of processes."""
        return len(self._pools)

    def resize(self, slots: int) -> None:
        """Start processes that are missing, end those that are too many."""
        while len(self._pools) < slots:
            self._pools.append(self._pool())
        while len(self._pools) > slots:
            self._pools.pop().shutdown(wait=True, kill_workers=True)

    def submit(self, slot: int, job: Job[T]) -> "Future[T]":
        """Start a job; a pool that its worker's death broke is replaced first."""
        future: Future[T]
        try:
            future = self._pools[slot].submit(run_job, job)
        except RuntimeError:
            self._pools[slot] = self._pool()
            future = self._pools[slot].submit(run_job, job)
        return future

    def kill(self, slot: int) -> None:
        """Kill the slot's process; the next job there gets a new one."""
        for pid in self.pids(slot):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill the processes, if that has not been done."""
        self.resize(0)

    def pids(self, slot: int) -> list[int]:
        """Return the process of a slot that has started to work, for whoever must signal it."""
        return list(self._pools[slot]._processes or {})

    def _pool(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            max_workers=1, timeout=None, context=self._context, initializer=_prepare
        )
        with without_main():
            pool.submit(_wake)
        return pool


def _wake() -> None:
    """Import all that jobs need, where the process was not forked from one that had."""
    import_module("search.executors.preload")


def _prepare() -> None:
    """Set up a worker: it ignores signals to stop, and ends when the scheduler's process does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    keep_freed_memory()

    def watch() -> None:
        scheduler = multiprocessing.parent_process()
        if scheduler is not None:
            scheduler.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
