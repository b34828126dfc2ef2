"""The coordinator: starts trials on idle workers, judges what they report, tells Optuna."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import final

from optuna.trial import Trial

from search.study.channel import CoordinatorEnd
from search.study.jobs import JobFactory
from search.study.judge import Judge
from search.study.observer import StudyObserver
from search.study.pruning import as_higher_is_better
from search.study.queue import Rejected, Started, TrialQueue
from search.study.telling import Teller
from search.study.worker import TrialOutcome
from search.study.workers import Workers
from search.training.history import History

_POLL_SECONDS = 0.02


@final
@dataclass
class _Active:
    """A trial under way: running on a slot, or trained and waiting for its verdict."""

    trial: Trial
    plan: int
    slot: int
    channel: CoordinatorEnd
    future: "Future[TrialOutcome]"
    history: History = field(default_factory=History)
    reported: int = 0
    ended: bool = False


@final
class Coordinator:
    """Runs a study's open trials to their end; one instance a run, in the user's process.

    `deadline` (a time.monotonic value) is when it starts no further trial.
    """

    def __init__(
        self,
        queue: TrialQueue,
        judge: Judge,
        jobs: JobFactory,
        teller: Teller,
        workers: Workers,
        observer: StudyObserver,
        deadline: float | None = None,
    ) -> None:
        self._queue, self._judge, self._jobs, self._teller = queue, judge, jobs, teller
        self._workers, self._observer, self._deadline = workers, observer, deadline
        self._active: dict[int, _Active] = {}

    def run(self) -> None:
        """Run until every trial has ended, or the deadline has passed and those begun have.

        Trials that ended but wait for one before them that is not started any more stay running in
        the storage; the next run takes them up again.
        """
        while self._start_trials() or self._training():
            wait(
                [a.future for a in self._training()],
                timeout=_POLL_SECONDS,
                return_when=FIRST_COMPLETED,
            )
            if self._receive():
                self._judge.judge()
                self._apply_verdicts()
        self._observer.search_ended()

    def _training(self) -> list[_Active]:
        """Return the trials whose end has not been seen; until then their slots are taken."""
        return [active for active in self._active.values() if not active.ended]

    def _start_trials(self) -> bool:
        """Fill the idle slots; returns whether any trial was started or rejected."""
        slots = set(range(self._workers.count))
        idle = slots - {active.slot for active in self._training()}
        begun = False
        while idle and not self._is_late():
            trial = self._queue.next()
            if trial is None:
                break
            begun = True
            if isinstance(trial, Rejected):
                self._settle_rejected(trial)
            else:
                self._start(trial, idle.pop())
        return begun

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _settle_rejected(self, rejected: Rejected) -> None:
        if rejected.closed:
            self._judge.settle(rejected.plan, [])
        self._observer.trial_ended(self._teller.record(rejected.trial_id))

    def _start(self, started: Started, slot: int) -> None:
        job = self._jobs.build(started.trial.number, started.plan, started.candidate)
        self._teller.started(started.trial, started.candidate)
        self._observer.trial_started(started.trial.number, started.plan, slot)
        channel = CoordinatorEnd(job.paths)
        future = self._workers.submit(slot, job)
        self._active[started.plan] = _Active(started.trial, started.plan, slot, channel, future)

    def _receive(self) -> bool:
        """Take in what trials reported; returns whether there was anything new."""
        news = [self._receive_one(active) for active in list(self._active.values())]
        return any(news)

    def _receive_one(self, active: _Active) -> bool:
        done = active.future.done()  # asked first, so that what came before the end is read below
        epochs = active.channel.receive()
        if not epochs and done == active.ended:
            return False
        active.ended = done
        active.history = History((*active.history.epochs, *epochs))
        if done and _outcome(active.future).ended == "failed":
            self._finish_failed(active)
        else:
            curve = active.history.mean_curve(self._teller.metric)
            higher = as_higher_is_better(curve, self._teller.metric)
            self._judge.update(active.plan, higher, ended=done)
        return True

    def _apply_verdicts(self) -> None:
        for active in list(self._active.values()):
            verdict = self._judge.verdict(active.plan)
            self._report(active, verdict.epochs)
            active.channel.answer(len(active.history.epochs), stop=verdict.pruned)
            if verdict.settled and active.ended:
                self._finish(active)

    def _report(self, active: _Active, accepted: int) -> None:
        curve = active.history.mean_curve(self._teller.metric)
        for epoch in range(active.reported + 1, accepted + 1):
            active.trial.report(curve[epoch - 1], epoch)
            self._observer.epoch_ended(active.trial.number, epoch, curve[epoch - 1])
        active.reported = max(active.reported, accepted)

    def _finish(self, active: _Active) -> None:
        verdict, outcome = self._judge.verdict(active.plan), _outcome(active.future)
        if verdict.pruned:
            self._teller.pruned(active.trial, active.history, verdict.epochs)
        elif outcome.ended == "diverged":
            self._teller.diverged(active.trial, active.history, outcome.reason or "")
        else:
            self._teller.complete(active.trial, active.history)
        self._close(active)

    def _finish_failed(self, active: _Active) -> None:
        self._teller.failed(active.trial, active.history, _outcome(active.future).reason or "")
        self._close(active)
        if not self._queue.retry(active.plan):
            self._judge.settle(active.plan, [])

    def _close(self, active: _Active) -> None:
        del self._active[active.plan]
        self._jobs.clear(active.trial.number)
        self._observer.trial_ended(self._teller.record(active.trial._trial_id))


def _outcome(future: "Future[TrialOutcome]") -> TrialOutcome:
    error = future.exception()
    if error is None:
        return future.result()
    return TrialOutcome("failed", f"the worker died ({type(error).__name__})")
