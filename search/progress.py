"""The state of a running search, as a watcher sees it; updated by events, drawn elsewhere."""

import time
from dataclasses import dataclass, field
from typing import final

from search.recipe import Recipe
from search.study.records import TrialRecord


@final
@dataclass
class RunningTrial:
    """A trial on a worker; `score` is the mean over folds after `epoch`.

    `slot` is None while it waits to be told its end.
    """

    number: int
    slot: int | None
    epoch: int = 0
    score: float | None = None


@final
@dataclass
class SearchProgress:
    """Counts, the best so far and what each worker does."""

    recipe: Recipe
    n_planned: int
    running: dict[int, RunningTrial] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    best: TrialRecord | None = None
    began: float = field(default_factory=time.monotonic)
    ended_here: int = 0

    def earlier(self, trial: TrialRecord) -> None:
        """Take in a trial that ended in an earlier run."""
        self._count(trial)

    def started(self, number: int, slot: int) -> None:
        """Take in that a trial started."""
        self.running[number] = RunningTrial(number, slot)

    def epoch(self, number: int, epoch: int, score: float) -> None:
        """Take in a trial's newest accepted epoch."""
        if number in self.running:
            self.running[number].epoch, self.running[number].score = epoch, score

    def waiting(self, number: int) -> None:
        """Take in that a trial is trained for now."""
        if number in self.running:
            self.running[number].slot = None

    def ended(self, trial: TrialRecord) -> None:
        """Take in that a trial ended."""
        self.running.pop(trial.number, None)
        self._count(trial)
        self.ended_here += 1

    def done(self) -> int:
        """Return how many planned trials have ended."""
        kinds = ["complete", "pruned", "diverged"]
        if self.recipe.sampler != "tpe":  # which asks anew in place of an infeasible trial
            kinds.append("infeasible")
        return sum(self.counts.get(kind, 0) for kind in kinds)

    def seconds_left(self, now: float) -> float | None:
        """Return the time left at the pace of this run; None before the first trial ended."""
        if not self.ended_here:
            return None
        return max(self.n_planned - self.done(), 0) * (now - self.began) / self.ended_here

    def _count(self, trial: TrialRecord) -> None:
        self.counts[trial.kind] = self.counts.get(trial.kind, 0) + 1
        if trial.mean is not None and trial.state == "complete":
            self.best = trial if self.best is None else min(self.best, trial, key=self._rank)

    def _rank(self, trial: TrialRecord) -> tuple[float, int]:
        """Return what is least for the winner, as StudyRecord.complete sorts."""
        sign = -1.0 if self.recipe.metric == "accuracy" else 1.0
        return sign * (trial.mean or 0.0), trial.plan
