"""The state of a running search, as a watcher sees it; updated by events, drawn elsewhere."""

import time
from dataclasses import dataclass, field
from typing import final

from search.recipe import Recipe
from search.study.records import TrialRecord


@final
@dataclass
class RunningTrial:
    """A trial on a worker; `score` is the mean over folds after `epoch`."""

    number: int
    slot: int
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

    def ended(self, trial: TrialRecord) -> None:
        """Take in that a trial ended."""
        self.running.pop(trial.number, None)
        self._count(trial)
        self.ended_here += 1

    def done(self) -> int:
        """Return how many planned trials have ended."""
        return self.counts.get("complete", 0) + self.counts.get("pruned", 0)

    def seconds_left(self, now: float) -> float | None:
        """Return the time left at the pace of this run; None before the first trial ended."""
        if not self.ended_here:
            return None
        return max(self.n_planned - self.done(), 0) * (now - self.began) / self.ended_here

    def _count(self, trial: TrialRecord) -> None:
        kind = "infeasible" if trial.infeasible else trial.state
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if trial.mean is not None and trial.state == "complete" and self._is_better(trial.mean):
            self.best = trial

    def _is_better(self, score: float) -> bool:
        if self.best is None or self.best.mean is None:
            return True
        sign = 1 if self.recipe.metric == "accuracy" else -1
        return sign * score > sign * self.best.mean


def format_score(score: float | None, metric: str) -> str:
    """Return an accuracy as a percentage, a loss with four digits."""
    if score is None:
        return "-"
    return f"{100 * score:.2f}%" if metric == "accuracy" else f"{score:.4f}"


def format_seconds(seconds: float | None) -> str:
    """Return a duration for people: 42 s, 7 min 05 s, 3 h 20 min."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
