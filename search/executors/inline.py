"""Runs jobs in the scheduler's process, for debugging and tests."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar, final

from search.executors.base import (
    DirectChannel,
    Executor,
    FoldEpochs,
    Job,
    ignore_report,
    never_stop,
    run_job,
)

T = TypeVar("T")


@final
class InlineExecutor(Executor):
    """One slot in this process: a submitted job has ended when `submit` returns."""

    name = "inline"

    @property
    def slots(self) -> int:
        return 1

    def submit(self, slot: int, job: Job[T]) -> "Future[T]":
        """Run the job to its end; it does not wait for answers, which could not come."""
        if slot != 0:
            raise ValueError(f"slot must be 0, got {slot!r}")
        future: Future[T] = Future()
        try:
            future.set_result(run_job(job, patience=0.0))
        except Exception as error:  # noqa: BLE001  # the future carries it, as from a process
            future.set_exception(error)
        return future

    def run(
        self,
        job: Job[T],
        report: Callable[[FoldEpochs], None] = ignore_report,
        stop_requested: Callable[[], bool] = never_stop,
    ) -> T:
        return job.run(DirectChannel(report, stop_requested))

    def kill(self, slot: int) -> None:
        """Do nothing: no job runs after `submit` has returned."""

    def close(self) -> None:
        """Do nothing."""
