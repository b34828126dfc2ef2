"""The scheduler: claims trials, has them trained, prunes them and records how they end."""

import math
from collections import deque
from typing import final

from search.events import Listener, Notice
from search.executors.base import Executor
from search.stopping import StopRequest
from search.training.history import History
from search.tuning.ask_and_tell import ClaimedTrial, InfeasibleTrial, TrialQueue
from search.tuning.budget import Budget
from search.tuning.duplicates import Duplicates
from search.tuning.kept_predictions import KeptPredictions
from search.tuning.opening import OpenStudy
from search.tuning.outages import FilesError
from search.tuning.plan_order import PlanOrderPruner, PruningDecision
from search.tuning.pruners import Pruner, get_pruner
from search.tuning.racing import FoldRace
from search.tuning.recorder import TrialRecorder
from search.tuning.records import StudyRecord, TrialRecord, best_of
from search.tuning.run_events import (
    EpochEnded,
    FoldsEarned,
    PlanExtended,
    SearchEnded,
    Stopping,
    StudyOpened,
    TrialEnded,
    TrialPaused,
    TrialWaiting,
)
from search.tuning.running_trials import RunningTrial, RunningTrials
from search.tuning.search_clock import SearchClock
from search.tuning.store import read_study
from search.tuning.workers import WorkerWatch
from search.tuning.workload import spared_trials

_QUEUEING_SECONDS = 0.05  # at a time, between looks at the trainings


@final
class Scheduler:
    """Runs a study's open trials to their end; one instance per run, in the user's process.

    In a fold race every trial starts on the first fold and earns the others. No trial starts
    after the `deadline`, a time of `time.monotonic`. Once a time budget leaves no more than the
    winner's refit and test take, whatever trains ends.
    """

    def __init__(
        self,
        opened: OpenStudy,
        executor: Executor,
        listener: Listener,
        deadline: float = math.inf,
        budget: Budget | None = None,
    ) -> None:
        recipe, record = opened.recipe, read_study(opened.study)
        self._recipe, self._listener = recipe, listener
        self._metric, self._objectives = record.metric, record.objectives
        self._queue, self._recorder = TrialQueue(opened), TrialRecorder(opened)
        ended = [trial for trial in record.trials if not self._queue.is_open(trial.plan)]
        pruner = get_pruner(recipe.pruner).for_horizon(recipe.epochs, recipe.seed)
        self._pruner = _plan_order(pruner, record, ended)
        self._running = RunningTrials(opened, executor, pruner, listener)
        self._predictions = KeptPredictions(opened.paths, self._metric, ended)
        self._workers = WorkerWatch(executor, self._recorder, listener)
        repeat = not recipe.protocol.is_search
        self._duplicates = Duplicates(_by_this_code(record, ended), repeat=repeat)
        self._race = _race(record, ended) if recipe.racing else None
        self._promoted: deque[int] = deque()  # an index for each of its paused fold groups
        self._ended, self._winner = tuple(ended), record.winner()
        self._clock = SearchClock(recipe, deadline, budget)
        for trial in ended:
            self._running.forget(trial.plan)

    def opening(self) -> StudyOpened:
        """Return the event that the search starts, with the trials of earlier runs."""
        return StudyOpened(self._recipe, self._queue.n_planned, self._ended)

    def run(self, stop: StopRequest) -> bool:
        """Run until every trial has ended, or every trial that started before the deadline.

        Returns False if a requested stop ended it sooner. All trainings then finish their epoch,
        and trials that were started but not finalized are queued again.
        """
        while not (stop.requested() or self._clock.is_spent(self._winner)) and self._has_work():
            self._queue.queue_ahead(_QUEUEING_SECONDS)
            self._running.wait()
            self._workers.look(self._running.trials())
            if self._recipe.trial_timeout is not None:
                self._running.kill_overdue(self._recipe.trial_timeout)
            if self._receive():
                self._advance_all()
                self._promote()
            self._end_duplicates()
        self._end_duplicates()  # of trials that ended with the race
        if stop.requested():
            self._listener(Stopping(len(self._running.training())))
        if stop.requested() or self._clock.is_spent(self._winner):
            self._running.stop_all()
        self._requeue_unfinished()
        self._queue.queue_ahead(0 if stop.requested() else math.inf)
        self._listener(SearchEnded())
        return not stop.requested()

    def abandon(self) -> None:
        """Kill what trains; its trials stay as they are stored, for the next scheduler."""
        self._running.kill_all()

    def _has_work(self) -> bool:
        return (
            self._fill_slots()
            or bool(self._running.training())
            or self._end_round()
            or self._continue_race()
        )

    def _requeue_unfinished(self) -> None:
        """Queue trials again that were started but not ended."""
        for running in self._running.trials():
            self._running.remove(running)
            self._requeue(running.claimed)
        for claimed in self._duplicates.held():
            self._requeue(claimed)

    def _requeue(self, claimed: ClaimedTrial) -> None:
        """Queue a trial's index again; the interruption does not count as a failed attempt."""
        self._recorder.interrupted(claimed.trial)
        self._queue.retry(claimed.index)

    # Starting

    def _fill_slots(self) -> bool:
        """Fill the idle slots; returns whether a trial was started or found infeasible."""
        started = False
        while self._running.idle_slots() and self._start_anything():
            started = True
        return started

    def _start_anything(self) -> bool:
        return self._resume_promoted() or self._start_earned_fold() or self._start_trial()

    def _resume_promoted(self) -> bool:
        while self._promoted:
            index = self._promoted.popleft()
            if self._running.resume(index, self._pruner.next_pause(index)):
                return True
        return False

    def _start_earned_fold(self) -> bool:
        earned = self._race.next_fold() if self._race is not None else None
        if earned is not None:
            self._running.add_fold(*earned)
        return earned is not None

    def _start_trial(self) -> bool:
        first = self._winner is None and not self._running.trials()
        if not self._clock.may_start(self._winner, self._queue.next_index(), first=first):
            return False
        if self._queue.all_claimed() and self._clock.may_plan_more(
            self._winner, self._queue.n_planned
        ):
            self._plan_more()
        match self._queue.claim_next():
            case ClaimedTrial() as claimed:
                self._start(claimed)
            case InfeasibleTrial() as rejected:
                record = self._recorder.infeasible(rejected)
                if rejected.closes_index:
                    self._queue.settle(rejected.index)
                    self._pruner.add_ended(rejected.index, [])
                self._listener(TrialEnded(record))
            case None:
                return False
        return True

    def _plan_more(self) -> None:
        if self._queue.plan_more():
            self._listener(PlanExtended(self._queue.n_planned))

    def _start(self, claimed: ClaimedTrial) -> None:
        self._recorder.started(claimed)
        original = self._duplicates.hold(claimed)
        if original is not None:
            self._queue.add_duplicate(claimed.index, original)
            self._pruner.add_ended(claimed.index, [])  # others are not compared with it twice
            return
        n_folds = self._recipe.n_folds if self._race is None else 1
        pause = self._pruner.next_pause(claimed.index)
        self._running.start(claimed, range(n_folds), self._queue.n_ready(), pause)

    # Training

    def _receive(self) -> bool:
        """Receive the epochs of trials; returns whether there was anything new."""
        news = [running for running in self._running.trials() if running.receive()]
        for running in news:
            if not running.racing:
                higher = self._metric.as_higher_is_better(
                    running.history().mean_curve(self._metric)
                )
                self._pruner.update(running.index, higher, ended=running.trained())
        return bool(news)

    def _advance_all(self) -> None:
        """Prune and end trials, as long as the end of one may decide another."""
        n_before = -1
        while n_before != len(trials := self._running.trials()):
            n_before = len(trials)
            self._pruner.decide()
            for running in trials:
                self._advance(running, self._pruner.decision(running.index))
        self._recorder.write()

    def _advance(self, running: RunningTrial, decision: PruningDecision) -> None:
        """Report the accepted epochs, answer the workers, and end the trial if it is over."""
        outcome = None if running.training else running.outcome()
        if outcome is not None and outcome.ended in ("fault", "outage"):
            raise FilesError(outcome.ended, outcome.reason or "")
        # If an earlier attempt was already pruned, this one has to get as far first.
        pruned = decision.pruned and len(running.history().epochs) >= decision.epochs
        if outcome is not None and outcome.ended == "failed" and not pruned:
            self._end_failed(running, outcome.reason or "")
            return
        self._report(running, decision.epochs)
        running.answer(stop=pruned)
        if running.paused and not running.waiting:
            running.waiting = True
            self._listener(TrialPaused(running.trial.number, len(running.history().epochs)))
        if outcome is None or not decision.final:
            return
        if outcome.fallback is not None:
            running.trial.set_user_attr("fallback", outcome.fallback)
        if outcome.latency is not None:
            self._recorder.measured_latency(running.trial, outcome.latency)
        history, cost = running.history(), running.cost()
        if decision.pruned:
            record = self._recorder.pruned(running.trial, history, cost, decision.epochs)
        elif outcome.ended == "diverged":
            record = self._recorder.diverged(running.trial, history, cost, outcome.reason or "")
        elif self._race is None:
            self._keep_predictions(running, history)
            record = self._recorder.complete(running.trial, history, cost)
        else:
            self._wait_in_race(running)
            return
        self._end(running, record)

    def _report(self, running: RunningTrial, accepted: int) -> None:
        """Report newly accepted epochs to Optuna and the listener.

        Folds earned in a race catch up with their trial; only the listener is told about those.
        """
        if running.reported >= accepted:
            return
        curve = running.history().mean_curve(self._metric)
        for epoch in range(running.reported + 1, min(accepted, len(curve)) + 1):
            if not running.racing:
                self._recorder.report(running.trial, curve[epoch - 1], epoch)
            self._listener(EpochEnded(running.trial.number, epoch, curve[epoch - 1]))
            running.reported = epoch

    # Rounds and races

    def _end_round(self) -> bool:
        """Judge the trials that wait at a rung once nothing trains; returns whether any did."""
        if not self._pruner.end_round():
            return False
        self._advance_all()
        self._promote()
        return True

    def _promote(self) -> None:
        """Have the trials continue that pause at a rung which they have passed."""
        for running in filter(lambda one: one.paused, self._running.trials()):
            passed = self._pruner.decision(running.index).epochs >= len(running.history().epochs)
            if passed and running.index not in self._promoted:
                self._promoted.extend(running.index for _ in running.groups)

    def _wait_in_race(self, running: RunningTrial) -> None:
        running.racing = True
        self._queue.settle(running.index)
        if not running.waiting:
            running.waiting = True
            self._listener(TrialWaiting(running.trial.number))

    def _continue_race(self) -> bool:
        """Hand out further folds once nothing trains; after the last ones, end the race."""
        if self._race is None:
            return False
        rivals = [running for running in self._running.trials() if running.racing]
        histories = {running.index: running.history() for running in rivals}
        promoted, n_folds = self._race.promote(histories)
        if promoted:
            numbers = tuple(self._running.trial(index).trial.number for index in promoted)
            self._listener(FoldsEarned(numbers, n_folds, self._recipe.folds))
            return True
        for running in rivals:
            history, cost = running.history(), running.cost()
            if history.n_folds() == self._recipe.folds:
                self._keep_predictions(running, history)
            record = self._recorder.raced(running.trial, history, cost, self._recipe.folds)
            self._end(running, record)
        return False

    # Ending

    def _keep_predictions(self, running: RunningTrial, history: History) -> None:
        """Keep what a complete trial predicted of its validation images."""
        curve = history.mean_curve(self._metric)
        epoch = self._recorder.scored_epoch(curve)
        self._predictions.keep(running.trial.number, running.index, epoch, curve[epoch - 1])

    def _end_failed(self, running: RunningTrial, reason: str) -> None:
        last = self._queue.is_last_attempt(running.index, reason)
        cost = running.cost(0 if last else self._recipe.checkpoint_every)
        record = self._recorder.failed(running.trial, cost, reason)
        if last:
            self._pruner.add_ended(running.index, [])
            self._end(running, record)
        else:
            self._queue.retry(running.index)
            self._end_attempt(running, record)

    def _end(self, running: RunningTrial, record: TrialRecord) -> None:
        """End a trial and its index."""
        self._end_attempt(running, record)
        self._running.forget(running.index)
        self._queue.settle(running.index)
        self._duplicates.add_ended(record)

    def _end_attempt(self, running: RunningTrial, record: TrialRecord) -> None:
        """End a trial but not its index: a later attempt resumes from its checkpoint."""
        if running.damaged():
            self._listener(Notice(_damaged(running)))
        self._running.remove(running)
        if self._race is not None:
            self._race.withdraw(running.index)
        rivals = [record] if self._winner is None else [self._winner, record]
        self._winner = best_of(rivals, self._objectives)
        self._clock.note(record)
        self._listener(TrialEnded(record))

    def _end_duplicates(self) -> None:
        """End the held trials whose original has ended."""
        for claimed, original in self._duplicates.release():
            self._listener(TrialEnded(self._recorder.duplicate(claimed.trial, original)))


def _plan_order(pruner: Pruner, record: StudyRecord, ended: list[TrialRecord]) -> PlanOrderPruner:
    """Return the pruner with the trials of earlier runs, without duplicates."""
    plan_order = PlanOrderPruner(pruner, record.recipe.epochs, spared_trials(record.recipe))
    for trial in ended:
        curve = trial.history.mean_curve(record.metric) if trial.same_as is None else []
        plan_order.add_ended(trial.plan, record.metric.as_higher_is_better(curve))
    return plan_order


def _by_this_code(record: StudyRecord, ended: list[TrialRecord]) -> list[TrialRecord]:
    """Return the trials since the code last changed: earlier results may not be repeatable."""
    if not record.changes:
        return ended
    since = record.changes[-1].time
    started = [(trial.started, trial) for trial in ended if trial.started is not None]
    return [trial for time, trial in started if time.astimezone() >= since]


def _race(record: StudyRecord, ended: list[TrialRecord]) -> FoldRace:
    """Return the race with the trials of earlier runs that reached the last epoch."""
    epochs, folds = record.recipe.epochs, record.recipe.folds
    whole = [t for t in ended if len(t.history.epochs) == epochs and t.same_as is None]
    raced = {t.plan: t.history for t in whole if not t.diverged}
    return FoldRace(folds, record.metric, raced)


def _damaged(running: RunningTrial) -> str:
    folds = ", ".join(map(str, running.damaged()))
    return (
        f"trial {running.trial.number}: the newest checkpoint of fold {folds} is damaged; training "
        "resumed from the one before, or from the start"
    )
