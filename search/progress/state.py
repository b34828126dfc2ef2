"""The state of a running search and how long it still takes, updated by its events."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

from search.events import Event
from search.metric import Metric
from search.objectives import Objectives, objectives_of
from search.recipe import Recipe
from search.tuning.attempts import Attempt, done_indices
from search.tuning.estimate import Estimate
from search.tuning.records import TrialRecord, best_of
from search.tuning.run_events import (
    EpochEnded,
    FoldsEarned,
    PlanExtended,
    StudyOpened,
    TrialEnded,
    TrialPaused,
    TrialPlaced,
    TrialStarted,
    TrialWaiting,
    WorkersChanged,
)
from search.tuning.samplers import get_sampler


@final
@dataclass
class TrialProgress:
    """A trial on a worker; `score` is the mean over folds after `epoch`, `best` its best so far.

    `slot` is None while it waits for its rivals in a race, or is `paused` at a rung. `host` is the
    machine of a cluster that it runs on.
    """

    number: int
    slot: int | None
    epoch: int = 0
    score: float | None = None
    best: float | None = None
    paused: bool = False
    host: str | None = None


@final
@dataclass
class SearchProgress:
    """Counts, the best trial so far and what each worker does.

    Attributes:
        curve: The best score so far, after each complete trial; in a race, after each trial that
            has been trained on the first fold.
        leader: The leader of a race in progress.
        epochs_ended: Epochs, counting each fold, of every trial that was trained and ended in this
            run.
        epochs_raced: Epochs of trials that wait, or waited, in a race.
        n_workers: How many workers there are since some came or left; None: as many as planned.
    """

    recipe: Recipe
    n_planned: int
    running: dict[int, TrialProgress] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    best: TrialRecord | None = None
    leader: TrialProgress | None = None
    race: FoldsEarned | None = None
    curve: list[float] = field(default_factory=list)
    epochs_ended: list[int] = field(default_factory=list)
    epochs_raced: int = 0
    n_workers: int | None = None
    _attempts: list[tuple[int, Attempt]] = field(default_factory=list)

    @cached_property
    def metric(self) -> Metric:
        """What trials are scored by."""
        return self.objectives.metric

    @cached_property
    def objectives(self) -> Objectives:
        """What the search optimizes."""
        recipe = self.recipe
        return objectives_of(recipe.metric, recipe.objective, recipe.choose)

    def take(self, event: Event) -> None:
        """Update the state by an event of the search; other events change nothing."""
        match event:
            case StudyOpened():
                for trial in event.ended:
                    self._count(trial)
            case TrialStarted():
                self._started(event)
            case TrialPlaced():
                self._placed(event)
            case PlanExtended():
                self.n_planned = event.n_planned
            case WorkersChanged():
                self.n_workers = event.n_workers
            case EpochEnded():
                self._epoch_ended(event)
            case TrialPaused():
                self._paused(event.number)
            case TrialWaiting():
                self._waiting(event.number)
            case FoldsEarned():
                self.race = event
            case TrialEnded():
                self._ended(event.trial)
            case _:
                pass

    def _started(self, event: TrialStarted) -> None:
        known = self.running.get(event.number)
        if known is not None and known.paused:
            known.slot, known.paused = event.slot, False
        else:
            self.running[event.number] = TrialProgress(event.number, event.slot)

    def _placed(self, event: TrialPlaced) -> None:
        trial = self.running.get(event.number)
        if trial is not None:
            trial.host = event.host

    def _epoch_ended(self, event: EpochEnded) -> None:
        trial = self.running.get(event.number)
        if trial is not None:
            trial.epoch, trial.score = event.epoch, event.score
            known = event.score if trial.best is None else trial.best
            trial.best = self._better(known, event.score)

    def _paused(self, number: int) -> None:
        trial = self.running.get(number)
        if trial is not None:
            trial.slot, trial.paused = None, True

    def _waiting(self, number: int) -> None:
        trial = self.running.get(number)
        if trial is None:
            return
        trial.slot = None
        self.epochs_raced += trial.epoch
        if trial.best is not None and self.race is None:
            self._lead(trial, trial.best)

    def _ended(self, trial: TrialRecord) -> None:
        self.running.pop(trial.number, None)
        self._count(trial)
        if trial.kind not in ("infeasible", "interrupted") and trial.same_as is None:
            self.epochs_ended.append(trial.history.fold_epochs())

    def done(self) -> int:
        """Return how many planned trials have ended."""
        recipe = self.recipe
        n_fixed = get_sampler(recipe.sampler).n_fixed(with_baseline=recipe.with_baseline)
        return len(done_indices(self._attempts, recipe.trial_timeout, n_fixed))

    @property
    def n_started(self) -> int:
        """Return how many trials started training in this run."""
        return len(self.running) + len(self.epochs_ended)

    def epochs_running(self) -> list[int]:
        """Return the epochs of each trial on a worker, or paused, counting each fold."""
        folds, trials = 1 if self.recipe.racing else self.recipe.n_folds, self.running.values()
        return [one.epoch * folds for one in trials if one.slot is not None or one.paused]

    def epochs_trained(self) -> int:
        """Return the epochs trained in this run, counting each fold."""
        return sum(self.epochs_ended) + self.epochs_raced + sum(self.epochs_running())

    def _lead(self, trial: TrialProgress, score: float) -> None:
        known = self.curve[-1] if self.curve else score
        if not self.curve or self._better(known, score) != known:
            self.leader = trial
        self.curve.append(self._better(known, score))

    def _count(self, trial: TrialRecord) -> None:
        self._attempts.append((trial.plan, trial.as_attempt()))
        self.counts[trial.kind] = self.counts.get(trial.kind, 0) + 1
        if trial.mean is not None and trial.state == "complete":
            rivals = [trial] if self.best is None else [self.best, trial]
            self.best = best_of(rivals, self.objectives)
            if (
                self.best is not None and not self.recipe.racing
            ):  # whose scores of one fold and of all folds make no curve
                self.curve.append(self.best.mean or 0.0)

    def _better(self, one: float, other: float) -> float:
        return self.metric.best((one, other))


@final
@dataclass
class Eta:
    """The time left for a search and its refit, updated by events and counted down in between.

    Work is counted in epochs of single folds. The estimate weighs as much as one trial of this
    run; without an estimate, the time left is unknown until an epoch has ended. Times are those
    of `time.monotonic`, in seconds. Twice the workers take half the time.
    """

    progress: SearchProgress
    estimate: Estimate | None
    began: float
    _end: float | None = None
    _since: float | None = None  # when the number of workers changed last
    _spent_before: float = 0.0  # until then, as if there had been as many as now
    _scale: float = 1.0  # of the workers that the estimate is for, to those there are now

    def update(self, now: float) -> None:
        """Update the time left from the progress."""
        pace = self._pace(now)
        self._end = None if pace is None else self._refitted(now + self._search(pace, now))

    def change_workers(self, before: int, now_there: int, now: float) -> None:
        """Update the time left as workers of a cluster came or left."""
        ratio = before / now_there
        self._spent_before = ratio * self._spent(now)
        self._since, self._scale = now, ratio * self._scale
        self.update(now)

    def _spent(self, now: float) -> float:
        return self._spent_before + now - (self.began if self._since is None else self._since)

    def seconds_left(self, now: float) -> float | None:
        """Return the seconds until search and refit are done; None if unknown."""
        return None if self._end is None else max(self._end - now, 0.0)

    def is_late(self, now: float) -> bool:
        """Return whether the timeout keeps trials from starting."""
        return self._until_timeout(now) <= 0 and self._n_unstarted() > 0

    def _search(self, pace: float, now: float) -> float:
        """Return the seconds of the epochs still to train, at `pace` seconds per epoch."""
        progress, timeout = self.progress, self._until_timeout(now)
        running = [self._to_come(epochs) for epochs in progress.epochs_running()]
        one_epoch = pace * max(len(running), 1)  # on one worker
        rest = max(running, default=0.0) * one_epoch
        if self.is_late(now):
            return max(pace * self._race_to_come(progress.n_started), rest)
        ahead = sum(running) + self._n_unstarted() * self._trial_epochs()
        ahead = max(ahead, self._race_to_come(progress.n_started + self._n_unstarted()))
        return min(max(pace * ahead, rest), timeout + self._trial_epochs() * one_epoch)

    def _pace(self, now: float) -> float | None:
        """Return the seconds per epoch of one fold, with all workers together."""
        trained, spent = float(self.progress.epochs_trained()), self._spent(now)
        estimate = self.estimate
        if estimate is not None:
            spent += self._scale * estimate.search.middle / estimate.n_open
            trained += estimate.epochs / estimate.n_open
        return spent / trained if trained else None

    def _trial_epochs(self) -> float:
        """Return how many epochs a trial is expected to train."""
        ended, estimate = self.progress.epochs_ended, self.estimate
        if estimate is None:
            return sum(ended) / len(ended) if ended else self._whole()
        one = estimate.epochs / estimate.n_open
        return one if self.progress.recipe.racing else (one + sum(ended)) / (1 + len(ended))

    def _to_come(self, epochs: float) -> float:
        """Return the expected epochs that a running trial still takes.

        A new trial is expected to train for the mean; the closer it gets to that, the more likely
        it is never pruned. So the time left changes without jumps.
        """
        mean, whole = self._trial_epochs(), self._whole()
        sure = min(epochs / mean, 1.0) if mean else 1.0
        return max(min(mean, whole) * (1 - sure) + whole * sure - epochs, 0.0)

    def _race_to_come(self, n_trials: int) -> float:
        """Return the epochs that a race of `n_trials` still takes; 0 without a race."""
        if not self.progress.recipe.racing:
            return 0.0
        return max(n_trials * self._trial_epochs() - self.progress.epochs_trained(), 0.0)

    def _whole(self) -> float:
        recipe = self.progress.recipe
        return float(recipe.epochs * (1 if recipe.racing else recipe.n_folds))

    def _n_unstarted(self) -> int:
        progress = self.progress
        return max(progress.n_planned - progress.done() - len(progress.running), 0)

    def _until_timeout(self, now: float) -> float:
        timeout = self.progress.recipe.timeout
        return math.inf if timeout is None else self.began + timeout - now

    def _refitted(self, searched: float) -> float:
        """Return when the refit ends if it begins at the time `searched`."""
        if self.estimate is None:
            return searched
        end = searched + self.estimate.refit.middle
        return max(self.began + self.estimate.capped(end - self.began), searched)
