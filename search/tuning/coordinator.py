"""The coordinator: has trials trained, judges what they report, tells Optuna."""

import math
import time
from typing import final

from search.tuning.dispatch import Dispatcher
from search.tuning.duplicates import Duplicates
from search.tuning.judge import Judge
from search.tuning.observer import StudyObserver
from search.tuning.queue import Rejected, Started, TrialQueue
from search.tuning.race import FoldRace
from search.tuning.rules import as_higher_is_better
from search.tuning.settling import Settler
from search.tuning.stopping import StopRequest
from search.tuning.telling import Teller

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
        judge: Judge,
        dispatcher: Dispatcher,
        settler: Settler,
        teller: Teller,
        observer: StudyObserver,
        duplicates: Duplicates,
        n_folds: int,
        race: FoldRace | None = None,
        deadline: float | None = None,
        trial_timeout: float | None = None,
    ) -> None:
        self._queue, self._judge, self._dispatcher = queue, judge, dispatcher
        self._settler, self._teller, self._observer = settler, teller, observer
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
            self._observer.stopping(len(self._dispatcher.training()))
            self._dispatcher.stop_all()
        self._put_back()
        self._queue.queue_ahead(0 if stop.asked() else math.inf)
        self._observer.search_ended()
        return not stop.asked()

    def _settle(self) -> None:
        """Judge, and end what has its verdict, until no end lets another one be judged."""
        n_before = -1
        while n_before != len(trials := self._dispatcher.trials()):
            n_before = len(trials)
            self._judge.judge()
            for active in trials:
                self._settler.settle(active, self._judge.verdict(active.plan))

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
                self._judge.settle(trial.plan, [])
            self._observer.trial_ended(self._teller.record(trial.trial_id))
        elif trial is not None:
            self._begin(trial)
        return trial is not None

    def _begin(self, started: Started) -> None:
        self._teller.started(started.trial, started.candidate)
        if self._duplicates.hold(started):
            self._judge.settle(started.plan, [])  # the others are not compared with it twice
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
            self._observer.folds_earned(numbers, n_folds, len(self._folds))
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
