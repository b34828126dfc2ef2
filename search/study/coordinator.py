"""The coordinator: has trials trained, judges what they report, tells Optuna."""

import math
import time
from typing import final

from search.study.active import ActiveTrial
from search.study.dispatch import Dispatcher
from search.study.judge import Judge, Verdict
from search.study.observer import StudyObserver
from search.study.pruning import as_higher_is_better
from search.study.queue import Rejected, TrialQueue
from search.study.race import FoldRace
from search.study.telling import Teller

_QUEUEING_SECONDS = 0.05  # at a time, between looks at the workers


@final
class Coordinator:
    """Runs a study's open trials to their end; one instance a run, in the user's process.

    With a `race` every trial starts on the first fold and earns the others. `deadline` (a
    time.monotonic value) is when it starts no further trial.
    """

    def __init__(
        self,
        queue: TrialQueue,
        judge: Judge,
        dispatcher: Dispatcher,
        teller: Teller,
        observer: StudyObserver,
        n_folds: int,
        race: FoldRace | None = None,
        deadline: float | None = None,
    ) -> None:
        self._queue, self._judge, self._dispatcher = queue, judge, dispatcher
        self._teller, self._observer = teller, observer
        self._folds, self._race, self._deadline = range(n_folds), race, deadline

    def run(self) -> None:
        """Run until every trial has ended, or the deadline has passed and those begun have.

        Trials that ended but wait for one before them that is not started any more stay running in
        the storage; the next run takes them up again.
        """
        while self._start() or self._dispatcher.training() or self._race_on():
            self._queue.queue_ahead(_QUEUEING_SECONDS)
            self._dispatcher.wait()
            if self._receive():
                self._judge.judge()
                for active in self._dispatcher.trials():
                    self._settle(active, self._judge.verdict(active.plan))
        self._queue.queue_ahead(math.inf)
        self._observer.search_ended()

    def _start(self) -> bool:
        """Fill the idle slots; returns whether anything was started or rejected."""
        begun = False
        while self._dispatcher.idle() and (self._start_earned_fold() or self._start_trial()):
            begun = True
        return begun

    def _start_trial(self) -> bool:
        late = self._deadline is not None and time.monotonic() >= self._deadline
        trial = None if late else self._queue.next()
        if isinstance(trial, Rejected):
            if trial.closed:
                self._judge.settle(trial.plan, [])
            self._observer.trial_ended(self._teller.record(trial.trial_id))
        elif trial is not None:
            self._teller.started(trial.trial, trial.candidate)
            folds = self._folds if self._race is None else self._folds[:1]
            self._dispatcher.start(trial, folds, self._queue.n_open())
        return trial is not None

    def _start_earned_fold(self) -> bool:
        earned = self._race.next_fold() if self._race is not None else None
        if earned is not None:
            self._dispatcher.add_fold(*earned)
        return earned is not None

    def _race_on(self) -> bool:
        """Hand out further folds once nothing trains; at the end tell all that took part."""
        if self._race is None:
            return False
        rivals = [active for active in self._dispatcher.trials() if active.racing]
        plans, n_folds = self._race.promote({active.plan: active.history() for active in rivals})
        if plans:
            numbers = [self._dispatcher.trial(plan).trial.number for plan in plans]
            self._observer.folds_earned(numbers, n_folds, len(self._folds))
        else:
            for active in rivals:
                self._teller.raced(
                    active.trial, active.history(), active.effort(), len(self._folds)
                )
                self._close(active)
        return bool(plans)

    def _receive(self) -> bool:
        """Take in what trials reported; returns whether there was anything new."""
        news = [active for active in self._dispatcher.trials() if active.receive()]
        for active in news:
            if not active.racing:
                curve = active.history().mean_curve(self._teller.metric)
                higher = as_higher_is_better(curve, self._teller.metric)
                self._judge.update(active.plan, higher, ended=not active.training)
        return bool(news)

    def _settle(self, active: ActiveTrial, verdict: Verdict) -> None:
        """Report what is accepted, answer the workers, and end the trial where it has ended."""
        outcome = None if active.training else active.outcome()
        if outcome is not None and outcome.ended == "failed":
            self._finish_failed(active, outcome.reason or "")
            return
        self._report(active, verdict.epochs)
        active.answer(stop=verdict.pruned)
        if outcome is None or not verdict.settled:
            return
        if outcome.fallback is not None:
            active.trial.set_user_attr("fallback", outcome.fallback)
        history, effort = active.history(), active.effort()
        if verdict.pruned:
            self._teller.pruned(active.trial, history, effort, verdict.epochs)
        elif outcome.ended == "diverged":
            self._teller.diverged(active.trial, history, effort, outcome.reason or "")
        elif self._race is None:
            self._teller.complete(active.trial, history, effort)
        else:
            self._enter_race(active)
            return
        self._close(active)

    def _enter_race(self, active: ActiveTrial) -> None:
        active.racing = True
        if not active.waiting:
            active.waiting = True
            self._observer.trial_waiting(active.trial.number)

    def _report(self, active: ActiveTrial, accepted: int) -> None:
        """Report what was accepted since the last time.

        Folds earned in a race catch up with their trial's epoch: the observer alone hears of that.
        """
        curve = active.history().mean_curve(self._teller.metric)
        for epoch in range(active.reported + 1, min(accepted, len(curve)) + 1):
            if not active.racing:
                active.trial.report(curve[epoch - 1], epoch)
            self._observer.epoch_ended(active.trial.number, epoch, curve[epoch - 1])
            active.reported = epoch

    def _finish_failed(self, active: ActiveTrial, reason: str) -> None:
        self._teller.failed(active.trial, active.effort(), reason)
        if self._queue.retry(active.plan):
            self._leave(active)
        else:
            self._judge.settle(active.plan, [])
            self._close(active)

    def _close(self, active: ActiveTrial) -> None:
        """End a trial for good."""
        self._leave(active)
        self._dispatcher.forget(active.plan)

    def _leave(self, active: ActiveTrial) -> None:
        """End a trial, though not its plan index: a later attempt goes on where it was."""
        self._dispatcher.close(active)
        if self._race is not None:
            self._race.withdraw(active.plan)
        self._observer.trial_ended(self._teller.record(active.trial._trial_id))
