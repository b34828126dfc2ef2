"""The scheduler: has trials trained, judges what they report, records how they end."""

import math
import shutil
import time
from collections.abc import Iterable
from typing import final

from search.errors import MachineError
from search.events import Listener, Notice
from search.executors.pool import Workers
from search.metric import as_higher_is_better
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.active import ActiveTrial, Dispatcher, JobFactory
from search.tuning.events import (
    EpochEnded,
    FoldsEarned,
    SearchEnded,
    Stopping,
    StudyOpened,
    TrialEnded,
    TrialWaiting,
)
from search.tuning.opening import OpenStudy
from search.tuning.preparing import Feasibility
from search.tuning.pruners import PlanOrderPruner, Pruner, PruningDecision, get_pruner
from search.tuning.queue import Rejected, Started, TrialQueue, fail_orphans
from search.tuning.racing import FoldRace
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import Teller, read_study


@final
class Duplicates:
    """Knows which plan index had a candidate first; `ended` are the trials of earlier runs.

    Where `repeat` is true all train, as the baseline's repeats do: each has seeds of its own.
    """

    def __init__(self, ended: Iterable[TrialRecord], *, repeat: bool = False) -> None:
        self._repeat = repeat
        self._first: dict[str, int] = {}
        self._ended: dict[int, TrialRecord] = {}
        self._waiting: list[Started] = []
        for record in ended:
            if record.candidate is not None and record.same_as is None:
                self._first.setdefault(record.candidate.model_dump_json(), record.plan)
                self.end(record)

    def hold(self, started: Started) -> bool:
        """Keep a trial until that which had its candidate first has ended; False: it is first."""
        if self._repeat:
            return False
        first = self._first.setdefault(started.candidate.model_dump_json(), started.plan)
        if first != started.plan:
            self._waiting.append(started)
        return first != started.plan

    def end(self, record: TrialRecord) -> None:
        """Take in the last trial of a plan index."""
        self._ended[record.plan] = record

    def waiting(self) -> list[Started]:
        """Return the trials that are kept."""
        return list(self._waiting)

    def release(self) -> list[tuple[Started, TrialRecord]]:
        """Return the kept trials that need wait no more, each with the trial it equals."""
        ready = [one for one in self._waiting if self._original(one) is not None]
        self._waiting = [one for one in self._waiting if one not in ready]
        pairs = [(one, self._original(one)) for one in ready]
        return [(one, original) for one, original in pairs if original is not None]

    def _original(self, started: Started) -> TrialRecord | None:
        return self._ended.get(self._first[started.candidate.model_dump_json()])


@final
class Settler:
    """Ends the trials of a run, one by one; `checkpoint_every` as in the recipe."""

    def __init__(
        self,
        queue: TrialQueue,
        judge: PlanOrderPruner,
        dispatcher: Dispatcher,
        teller: Teller,
        listener: Listener,
        duplicates: Duplicates,
        race: FoldRace | None,
        checkpoint_every: int,
    ) -> None:
        self._queue, self._judge, self._dispatcher = queue, judge, dispatcher
        self._teller, self._listener = teller, listener
        self._race, self._duplicates = race, duplicates
        self._checkpoint_every = checkpoint_every

    def settle(self, active: ActiveTrial, verdict: PruningDecision) -> None:
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
        if outcome is None or not verdict.final:
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
            self._listener(TrialWaiting(active.trial.number))

    def _report(self, active: ActiveTrial, accepted: int) -> None:
        """Report what was accepted since the last time.

        Folds earned in a race catch up with their trial's epoch: only the listener is told of that.
        """
        curve = active.history().mean_curve(self._teller.metric)
        for epoch in range(active.reported + 1, min(accepted, len(curve)) + 1):
            if not active.racing:
                active.trial.report(curve[epoch - 1], epoch)
            self._listener(EpochEnded(active.trial.number, epoch, curve[epoch - 1]))
            active.reported = epoch

    def _finish_failed(self, active: ActiveTrial, reason: str) -> None:
        last = self._queue.is_last_attempt(active.plan, reason)
        effort = active.effort(0 if last else self._checkpoint_every)
        self._teller.failed(active.trial, effort, reason)
        if last:
            self._judge.add_ended(active.plan, [])
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
            self._listener(TrialEnded(self._teller.record(started.trial._trial_id)))

    def _close(self, active: ActiveTrial) -> None:
        """End a trial for good."""
        record = self._leave(active)
        self._dispatcher.forget(active.plan)
        self._duplicates.end(record)

    def _leave(self, active: ActiveTrial) -> TrialRecord:
        """End a trial, though not its plan index: a later attempt goes on where it was."""
        if active.damaged():
            self._listener(Notice(_damage(active)))
        self._dispatcher.close(active)
        if self._race is not None:
            self._race.withdraw(active.plan)
        record = self._teller.record(active.trial._trial_id)
        self._listener(TrialEnded(record))
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


_QUEUEING_SECONDS = 0.05  # at a time, between looks at the workers


@final
class Coordinator:
    """Runs a study's open trials to their end; one instance a run, in the user's process.

    With a `race` every trial starts on the first fold and earns the others. `deadline` (a
    time.monotonic value) is when it starts no further trial; what trains for longer than
    `trial_timeout` seconds is killed.
    """

    def __init__(
        self,
        queue: TrialQueue,
        judge: PlanOrderPruner,
        dispatcher: Dispatcher,
        settler: Settler,
        teller: Teller,
        listener: Listener,
        duplicates: Duplicates,
        n_folds: int,
        race: FoldRace | None = None,
        deadline: float | None = None,
        trial_timeout: float | None = None,
    ) -> None:
        self._queue, self._judge, self._dispatcher = queue, judge, dispatcher
        self._settler, self._teller, self._listener = settler, teller, listener
        self._duplicates, self._folds, self._race = duplicates, range(n_folds), race
        self._deadline, self._trial_timeout = deadline, trial_timeout

    def run(self, stop: StopRequest) -> bool:
        """Run until every trial has ended, or the deadline has passed and those begun have.

        Returns whether that was so: a stop that is asked for ends it sooner, once what trains has
        ended its epoch. Trials that are begun but not told then are queued again.
        """
        while not stop.asked() and self._goes_on():
            self._queue.queue_ahead(_QUEUEING_SECONDS)
            self._dispatcher.wait()
            if self._trial_timeout is not None:
                self._dispatcher.end_overdue(self._trial_timeout)
            if self._receive():
                self._settle()
            self._settler.settle_duplicates()
        self._settler.settle_duplicates()  # of trials that a race has ended
        if stop.asked():
            self._listener(Stopping(len(self._dispatcher.training())))
            self._dispatcher.stop_all()
        self._put_back()
        self._queue.queue_ahead(0 if stop.asked() else math.inf)
        self._listener(SearchEnded())
        return not stop.asked()

    def _settle(self) -> None:
        """Judge, and end what has its verdict, until no end lets another one be judged."""
        n_before = -1
        while n_before != len(trials := self._dispatcher.trials()):
            n_before = len(trials)
            self._judge.decide()
            for active in trials:
                self._settler.settle(active, self._judge.decision(active.plan))

    def _goes_on(self) -> bool:
        return self._start() or bool(self._dispatcher.training()) or self._race_on()

    def _put_back(self) -> None:
        """Queue again what is begun and was not told, as one before it in the plan was not."""
        for active in self._dispatcher.trials():
            self._dispatcher.close(active)
            self._queue.put_back(active.started)
        for started in self._duplicates.waiting():
            self._queue.put_back(started)

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
                self._judge.add_ended(trial.plan, [])
            self._listener(TrialEnded(self._teller.record(trial.trial_id)))
        elif trial is not None:
            self._begin(trial)
        return trial is not None

    def _begin(self, started: Started) -> None:
        self._teller.started(started.trial, started.candidate)
        if self._duplicates.hold(started):
            self._judge.add_ended(started.plan, [])  # the others are not compared with it twice
            return
        folds = self._folds if self._race is None else self._folds[:1]
        self._dispatcher.start(started, folds, self._queue.n_open())

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
            self._listener(FoldsEarned(tuple(numbers), n_folds, len(self._folds)))
        else:
            self._settler.settle_race(rivals, len(self._folds))
        return bool(plans)

    def _receive(self) -> bool:
        """Take in what trials reported; returns whether there was anything new."""
        news = [active for active in self._dispatcher.trials() if active.receive()]
        for active in news:
            if not active.racing:
                curve = active.history().mean_curve(self._teller.metric)
                higher = as_higher_is_better(curve, self._teller.metric)
                self._judge.update(active.plan, higher, ended=active.trained())
        return bool(news)


def run_search(opened: OpenStudy, workers: Workers, listener: Listener, stop: StopRequest) -> bool:
    """Run every open trial of the study; returns False where it was stopped before their end.

    Raises UserError where no candidate can be trained, MachineError where the disk takes no more.
    """
    fail_orphans(opened.study, opened.storage, opened.paths)
    if opened.paths.work_dir.exists():
        shutil.rmtree(opened.paths.work_dir)
    coordinator = _coordinator(opened, workers, listener)
    with stop.heeded():
        return coordinator.run(stop)


def _coordinator(opened: OpenStudy, workers: Workers, listener: Listener) -> Coordinator:
    recipe, data, folds = opened.recipe, opened.dataset, opened.statistics
    queue, record = _queue(opened), read_study(opened.study)
    ended = [trial for trial in record.trials if not queue.is_open(trial.plan)]
    rule = get_pruner(recipe.pruner).for_horizon(recipe.epochs, recipe.seed)
    jobs = JobFactory(recipe, opened.paths, data, opened.folds_hash, folds, rule)
    for trial in ended:
        jobs.forget(trial.plan)
    listener(StudyOpened(recipe, queue.n_planned, tuple(ended)))
    judge, dispatcher = _judge(rule, recipe, ended), Dispatcher(workers, jobs, listener)
    teller = Teller(opened.study, opened.storage, recipe, data)
    duplicates = Duplicates(_by_this_code(record, ended), repeat=not recipe.protocol.is_search)
    race = _race(recipe, ended) if recipe.racing else None
    every = recipe.checkpoint_every
    return Coordinator(
        queue=queue,
        judge=judge,
        dispatcher=dispatcher,
        settler=Settler(queue, judge, dispatcher, teller, listener, duplicates, race, every),
        teller=teller,
        listener=listener,
        duplicates=duplicates,
        n_folds=len(folds),
        race=race,
        deadline=None if recipe.timeout is None else time.monotonic() + recipe.timeout,
        trial_timeout=recipe.trial_timeout,
    )


def _queue(opened: OpenStudy) -> TrialQueue:
    feasibility = Feasibility(opened.dataset, opened.recipe.max_parameters)
    points, space = opened.points, opened.space
    return TrialQueue(opened.study, opened.storage, opened.recipe, space, points, feasibility)


def _judge(rule: Pruner, recipe: Recipe, ended: list[TrialRecord]) -> PlanOrderPruner:
    """Return the judge, who knows the trials of earlier runs, equal ones once."""
    judge = PlanOrderPruner(rule, recipe.epochs)
    for trial in ended:
        curve = trial.history.mean_curve(recipe.metric) if trial.same_as is None else []
        judge.add_ended(trial.plan, as_higher_is_better(curve, recipe.metric))
    return judge


def _by_this_code(record: StudyRecord, ended: list[TrialRecord]) -> list[TrialRecord]:
    """Return the trials since the code last changed: others' results are not those of equals."""
    if not record.changes:
        return ended
    begun = [(trial.started, trial) for trial in ended if trial.started is not None]
    return [trial for time, trial in begun if time.astimezone() >= record.changes[-1].time]


def _race(recipe: Recipe, ended: list[TrialRecord]) -> FoldRace:
    whole = [t for t in ended if len(t.history.epochs) == recipe.epochs and t.same_as is None]
    raced = [t for t in whole if not t.diverged]
    return FoldRace(recipe.folds, recipe.metric, {t.plan: t.history for t in raced})
