"""The state of a running search, updated by its events; drawn elsewhere."""

from dataclasses import dataclass, field
from typing import final

from search.events import Event
from search.recipe import Recipe
from search.tuning.attempts import Attempt, done_indices
from search.tuning.records import TrialRecord
from search.tuning.run_events import (
    EpochEnded,
    FoldsEarned,
    StudyOpened,
    TrialEnded,
    TrialStarted,
    TrialWaiting,
)
from search.tuning.samplers import get_sampler


@final
@dataclass
class RunningTrial:
    """A trial on a worker; `score` is the mean over folds after `epoch`, `best` its best so far.

    `slot` is None while it waits for its rivals or for the result of an equal trial.
    """

    number: int
    slot: int | None
    epoch: int = 0
    score: float | None = None
    best: float | None = None


@final
@dataclass
class SearchProgress:
    """Counts, the best so far and what each worker does.

    `curve` is the best so far after each trial that could become it: complete ones, in a race
    those that have been trained on the first fold. `leader` leads a race that is under way.
    `epochs_ended` are the epochs, those of each fold counted, of trials that were trained and
    ended in this run, `epochs_raced` those of trials that wait, or waited, in a race.
    """

    recipe: Recipe
    n_planned: int
    running: dict[int, RunningTrial] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    best: TrialRecord | None = None
    leader: RunningTrial | None = None
    race: FoldsEarned | None = None
    curve: list[float] = field(default_factory=list)
    epochs_ended: list[int] = field(default_factory=list)
    epochs_raced: int = 0
    _attempts: list[tuple[int, Attempt]] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Update the state by an event of the search; other events change nothing."""
        match event:
            case StudyOpened():
                for trial in event.ended:
                    self._count(trial)
            case TrialStarted():
                self.running[event.number] = RunningTrial(event.number, event.slot)
            case EpochEnded():
                self._epoch_ended(event)
            case TrialWaiting():
                self._waiting(event.number)
            case FoldsEarned():
                self.race = event
            case TrialEnded():
                self._ended(event.trial)
            case _:
                pass

    def _epoch_ended(self, event: EpochEnded) -> None:
        trial = self.running.get(event.number)
        if trial is not None:
            trial.epoch, trial.score = event.epoch, event.score
            known = event.score if trial.best is None else trial.best
            trial.best = self._better(known, event.score)

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
        if trial.kind != "infeasible" and trial.same_as is None:
            self.epochs_ended.append(trial.history.fold_epochs())

    def done(self) -> int:
        """Return how many planned trials have ended."""
        recipe = self.recipe
        n_fixed = get_sampler(recipe.sampler).n_fixed(with_baseline=recipe.with_baseline)
        return len(done_indices(self._attempts, recipe.trial_timeout, n_fixed))

    @property
    def n_started(self) -> int:
        """Return how many trials were trained in this run, to the end or not."""
        return len(self.running) + len(self.epochs_ended)

    def epochs_running(self) -> list[int]:
        """Return the epochs that each trial on a worker has trained, counting each fold."""
        folds = 1 if self.recipe.racing else self.recipe.n_folds
        return [one.epoch * folds for one in self.running.values() if one.slot is not None]

    def epochs_trained(self) -> int:
        """Return the epochs trained in this run, counting each fold."""
        return sum(self.epochs_ended) + self.epochs_raced + sum(self.epochs_running())

    def _lead(self, trial: RunningTrial, score: float) -> None:
        known = self.curve[-1] if self.curve else score
        if not self.curve or self._better(known, score) != known:
            self.leader = trial
        self.curve.append(self._better(known, score))

    def _count(self, trial: TrialRecord) -> None:
        self._attempts.append((trial.plan, trial.as_attempt()))
        self.counts[trial.kind] = self.counts.get(trial.kind, 0) + 1
        if trial.mean is not None and trial.state == "complete":
            self.best = trial if self.best is None else min(self.best, trial, key=self._rank)
            if not self.recipe.racing:  # where scores of one fold and of all are not one curve
                self.curve.append(self.best.mean or 0.0)

    def _better(self, one: float, other: float) -> float:
        return max(one, other) if self.recipe.metric == "accuracy" else min(one, other)

    def _rank(self, trial: TrialRecord) -> tuple[float, int]:
        """Return a key that is smallest for the winner, as StudyRecord.complete sorts."""
        sign = -1.0 if self.recipe.metric == "accuracy" else 1.0
        return sign * (trial.mean or 0.0), trial.plan
