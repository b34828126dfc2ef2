"""How trials end: told to Optuna, judged hopeless, failed and tried again, or kept for a race."""

from typing import final

from search.errors import MachineError
from search.tuning.active import ActiveTrial
from search.tuning.dispatch import Dispatcher
from search.tuning.duplicates import Duplicates
from search.tuning.judge import Judge, Verdict
from search.tuning.observer import StudyObserver
from search.tuning.queue import TrialQueue
from search.tuning.race import FoldRace
from search.tuning.records import TrialRecord
from search.tuning.telling import Teller


@final
class Settler:
    """Ends the trials of a run, one by one; `checkpoint_every` as in the recipe."""

    def __init__(
        self,
        queue: TrialQueue,
        judge: Judge,
        dispatcher: Dispatcher,
        teller: Teller,
        observer: StudyObserver,
        duplicates: Duplicates,
        race: FoldRace | None,
        checkpoint_every: int,
    ) -> None:
        self._queue, self._judge, self._dispatcher = queue, judge, dispatcher
        self._teller, self._observer = teller, observer
        self._race, self._duplicates = race, duplicates
        self._checkpoint_every = checkpoint_every

    def settle(self, active: ActiveTrial, verdict: Verdict) -> None:
        """Report what is accepted, answer the workers, and end the trial where it has ended."""
        outcome = None if active.training else active.outcome()
        if outcome is not None and outcome.ended == "unwritable":
            raise MachineError(_unwritable(outcome.reason or ""))
        # An earlier attempt may have been pruned already: this one has to come as far first.
        pruned = verdict.pruned and len(active.history().epochs) >= verdict.epochs
        if outcome is not None and outcome.ended == "failed" and not pruned:
            self._finish_failed(active, outcome.reason or "")
            return
        self._report(active, verdict.epochs)
        active.answer(stop=pruned)
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
        last = self._queue.is_last_attempt(active.plan, reason)
        effort = active.effort(0 if last else self._checkpoint_every)
        self._teller.failed(active.trial, effort, reason)
        if last:
            self._judge.settle(active.plan, [])
            self._close(active)
        else:
            self._queue.retry(active.plan)
            self._leave(active)

    def settle_race(self, rivals: list[ActiveTrial], n_folds: int) -> None:
        """End those that took part in a fold race; only those with all `n_folds` are complete."""
        for active in rivals:
            self._teller.raced(active.trial, active.history(), active.effort(), n_folds)
            self._close(active)

    def settle_duplicates(self) -> None:
        """End the trials whose candidate another had, where that one has ended."""
        for started, original in self._duplicates.release():
            self._teller.repeated(started.trial, original)
            self._observer.trial_ended(self._teller.record(started.trial._trial_id))

    def _close(self, active: ActiveTrial) -> None:
        """End a trial for good."""
        record = self._leave(active)
        self._dispatcher.forget(active.plan)
        self._duplicates.end(record)

    def _leave(self, active: ActiveTrial) -> TrialRecord:
        """End a trial, though not its plan index: a later attempt goes on where it was."""
        if active.damaged():
            self._observer.notice(_damage(active))
        self._dispatcher.close(active)
        if self._race is not None:
            self._race.withdraw(active.plan)
        record = self._teller.record(active.trial._trial_id)
        self._observer.trial_ended(record)
        return record


def _damage(active: ActiveTrial) -> str:
    folds = ", ".join(map(str, active.damaged()))
    return (
        f"trial {active.trial.number}: the newest checkpoint of fold {folds} was damaged and "
        "passed over; it went on from the one before, or began anew"
    )


def _unwritable(reason: str) -> str:
    return (
        f"a checkpoint cannot be written: {reason}; finished trials and the checkpoints before it "
        "are kept: make room and run the same command again to go on"
    )
