"""Where trials run: in processes of their own, or in this one."""

import multiprocessing
import os
import signal
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future
from dataclasses import replace
from typing import final

from joblib.externals.loky import ProcessPoolExecutor

from search.executors.job import TrialJob, TrialOutcome, run_trial
from search.executors.process import keep_freed_memory, start_server, without_main


class Workers(ABC):
    """A number of places where one trial each can run."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Return how many trials can run at once."""

    @abstractmethod
    def submit(self, slot: int, job: TrialJob) -> "Future[TrialOutcome]":
        """Start a trial in the slot (0 to count - 1), which must be idle."""

    @abstractmethod
    def kill(self, slot: int) -> None:
        """End what trains in the slot; its future gets an exception."""

    @abstractmethod
    def close(self) -> None:
        """End all processes, whatever they are doing."""


@final
class ProcessWorkers(Workers):
    """One loky process a slot, each in a pool of its own: a death costs only its own trial.

    The processes start at once; that takes seconds, in which a study can be made ready.
    """

    def __init__(self, count: int, threads: int) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count!r}")
        self._context = start_server(threads)
        self._pools: list[ProcessPoolExecutor] = [self._pool() for _ in range(count)]

    @property
    def count(self) -> int:
        """Return the number of processes."""
        return len(self._pools)

    def submit(self, slot: int, job: TrialJob) -> "Future[TrialOutcome]":
        """Start a trial; a pool that its worker's death broke is replaced first."""
        future: Future[TrialOutcome]
        try:
            future = self._pools[slot].submit(run_trial, job)
        except RuntimeError:
            self._pools[slot] = self._pool()
            future = self._pools[slot].submit(run_trial, job)
        return future

    def kill(self, slot: int) -> None:
        """Kill the slot's process; the next trial there gets a new one."""
        for pid in self.pids(slot):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill the processes, if that has not been done."""
        while self._pools:
            self._pools.pop().shutdown(wait=True, kill_workers=True)

    def pids(self, slot: int) -> list[int]:
        """Return the process of a slot that has begun to work, for whoever wants to signal it."""
        return list(self._pools[slot]._processes or {})

    def _pool(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            max_workers=1, timeout=None, context=self._context, initializer=_prepare
        )
        with without_main():
            pool.submit(_wake)
        return pool


@final
class InlineWorkers(Workers):
    """One slot in this very process: a submitted trial has ended when `submit` returns."""

    @property
    def count(self) -> int:
        """Return 1."""
        return 1

    def submit(self, slot: int, job: TrialJob) -> "Future[TrialOutcome]":
        """Train the trial to its end; nobody could answer it meanwhile, so it does not wait."""
        if slot != 0:
            raise ValueError(f"slot must be 0, got {slot!r}")
        future: Future[TrialOutcome] = Future()
        future.set_result(run_trial(replace(job, decision_epochs=frozenset())))
        return future

    def kill(self, slot: int) -> None:
        """Do nothing: when `submit` has returned nothing trains."""

    def close(self) -> None:
        """Do nothing."""


def _wake() -> None:
    """Do nothing: a process that can call this has imported torch and all that trials need."""


def _prepare() -> None:
    """Set up a worker: signals to stop are the coordinator's, whose death is followed soon."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    keep_freed_memory()

    def watch() -> None:
        coordinator = multiprocessing.parent_process()
        if coordinator is not None:
            coordinator.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
