"""Which trials are under way and which worker trains what of them."""

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from typing import final

from search.executors.channel import CoordinatorEnd
from search.executors.pool import Workers
from search.formatting import format_seconds
from search.tuning.active import ActiveTrial, Strand
from search.tuning.attempts import TIMED_OUT
from search.tuning.jobs import JobFactory
from search.tuning.observer import StudyObserver
from search.tuning.queue import Started
from search.tuning.racing import split_folds

_POLL_SECONDS = 0.1  # a fifth of that costs 2% of a core


@final
class Dispatcher:
    """Keeps the active trials by plan index, and hands their folds to idle workers."""

    def __init__(self, workers: Workers, jobs: JobFactory, observer: StudyObserver) -> None:
        self._workers, self._jobs, self._observer = workers, jobs, observer
        self._active: dict[int, ActiveTrial] = {}

    def trials(self) -> list[ActiveTrial]:
        """Return the active trials."""
        return list(self._active.values())

    def trial(self, plan: int) -> ActiveTrial:
        """Return the active trial of a plan index."""
        return self._active[plan]

    def training(self) -> list[Strand]:
        """Return the strands whose end has not been seen; until then their slots are taken."""
        return [s for active in self._active.values() for s in active.strands if not s.ended]

    def idle(self) -> list[int]:
        """Return the slots at which nothing trains."""
        return sorted(set(range(self._workers.count)) - {s.slot for s in self.training()})

    def wait(self) -> None:
        """Wait until a training ends, and not for long."""
        futures = [strand.future for strand in self.training()]
        wait(futures, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)

    def end_overdue(self, seconds: float) -> None:
        """Kill the workers of trainings that have taken longer than so many seconds."""
        for strand in self.training():
            if strand.overdue is None and time.monotonic() - strand.began > seconds:
                limit = f"{seconds:g} s" if seconds < 10 else format_seconds(seconds)
                strand.overdue = f"{TIMED_OUT}: it had not ended after {limit} (trial_timeout)"
                self._workers.kill(strand.slot)

    def stop_all(self) -> None:
        """Ask everything that trains to stop after its epoch, and wait until it has."""
        while strands := self.training():
            for strand in strands:
                strand.receive()
                strand.channel.answer(len(strand.epochs), stop=True)
            self.wait()

    def start(self, started: Started, folds: Sequence[int], n_others: int) -> None:
        """Start a trial; `n_others` are still to be started.

        Where there are fewer trials than idle slots, its folds spread over several workers.
        """
        active = self._active[started.plan] = ActiveTrial(started.trial, started)
        self._jobs.clear(started.trial.number)
        idle = self.idle()
        n_parts = min(max(len(idle) // (n_others + 1), 1), len(folds))
        for slot, part in zip(idle, split_folds(folds, n_parts), strict=False):
            self._launch(active, part, slot)

    def add_fold(self, plan: int, fold: int) -> None:
        """Train a further fold of an active trial at an idle slot."""
        active = self._active[plan]
        active.reported, active.waiting = 0, False
        self._launch(active, (fold,), self.idle()[0])

    def close(self, active: ActiveTrial) -> None:
        """Forget a trial that has ended, and clear its folder."""
        del self._active[active.plan]
        self._jobs.clear(active.trial.number)

    def forget(self, plan: int) -> None:
        """Remove the checkpoints of a plan index that needs no further attempt."""
        self._jobs.forget(plan)

    def _launch(self, active: ActiveTrial, folds: tuple[int, ...], slot: int) -> None:
        number, plan, candidate = active.trial.number, active.plan, active.started.candidate
        job = self._jobs.build(number, plan, candidate, folds, judged=not active.racing)
        self._observer.trial_started(number, plan, slot)
        channel = CoordinatorEnd(job.paths)
        future = self._workers.submit(slot, job)
        active.strands.append(Strand(folds, slot, channel, future))
