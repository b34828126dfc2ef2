"""An executor whose jobs end in a random order, so that the clock of a test decides nothing."""

import random
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, final

from search.executors.base import Executor, run_job
from search.executors.training_jobs import TrialJob


@final
class LateFuture(Future[Any]):
    """A future that, when it is looked at, runs any job of its executor that is not done yet."""

    def __init__(self, executor: "LateExecutor") -> None:
        super().__init__()
        self._executor = executor

    def done(self) -> bool:
        self._executor.run_any()
        return super().done()


@final
class LateExecutor(Executor):
    """Several slots in this process; `seed` decides in which order their jobs end."""

    def __init__(self, slots: int, seed: int = 0) -> None:
        self._slots, self._random = slots, random.Random(seed)  # noqa: S311
        self._held: list[tuple[LateFuture, Any]] = []

    @property
    def slots(self) -> int:
        return self._slots

    def submit(self, slot: int, job: Any) -> Any:
        future = LateFuture(self)
        if isinstance(job, TrialJob):
            self._held.append((future, replace(job, decision_epochs=frozenset())))
        else:
            future.set_result(run_job(job))
        return future

    def run_any(self) -> None:
        """Run one of the jobs, or none."""
        if self._held and self._random.random() < 0.5:
            future, job = self._held.pop(self._random.randrange(len(self._held)))
            future.set_result(run_job(job))

    def kill(self, slot: int) -> None:
        raise AssertionError("nothing hangs here")

    def close(self) -> None:
        pass
