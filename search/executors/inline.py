"""Runs jobs in this very process, which suits debuggers and tests."""

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
        """Return 1."""
        return 1

    def submit(self, slot: int, job: Job[T]) -> "Future[T]":
        """Run the job to its end; nobody could answer it meanwhile, so it does not wait."""
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
        """Run the job, whose reports and questions are answered at once."""
        return job.run(DirectChannel(report, stop_requested))

    def kill(self, slot: int) -> None:
        """Do nothing: when `submit` has returned nothing runs."""

    def close(self) -> None:
        """Do nothing."""
