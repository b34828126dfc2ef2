"""A trial under way: its folds, on one worker or spread over several."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain
from typing import final

from optuna.trial import Trial

from search.executors.channel import CoordinatorEnd
from search.executors.worker import TrialOutcome
from search.training.history import FoldEpoch, History
from search.tuning.queue import Started
from search.tuning.telling import Effort

# Of several ends the worst is the trial's.
_SEVERITY = ("finished", "stopped", "diverged", "failed", "unwritable")


@final
@dataclass
class Strand:
    """Some folds of a trial, trained in lockstep by the worker of one slot.

    `overdue` says why its worker was killed, if it was.
    """

    folds: tuple[int, ...]
    slot: int
    channel: CoordinatorEnd
    future: "Future[TrialOutcome]"
    epochs: list[tuple[FoldEpoch, ...]] = field(default_factory=list)
    ended: bool = False
    began: float = field(default_factory=time.monotonic)
    overdue: str | None = None

    def receive(self) -> bool:
        """Take in what was reported; returns whether there was anything new."""
        done = self.future.done()  # asked first, so that what came before the end is read below
        news = self.channel.receive()
        changed = bool(news) or done != self.ended
        self.epochs += news
        self.ended = done
        return changed

    def outcome(self) -> TrialOutcome:
        """Return how its training ended; only once it did."""
        error = self.future.exception()
        if error is None:
            return self.future.result()
        if self.overdue is not None:
            return TrialOutcome("failed", self.overdue)
        return TrialOutcome("failed", f"the worker died ({type(error).__name__})")


@final
@dataclass
class ActiveTrial:
    """A trial that Optuna counts as running.

    It is trained, then waits for its verdict; in a fold race (`racing`) it then waits (`waiting`)
    until it is given more folds or its end.
    """

    trial: Trial
    started: Started
    strands: list[Strand] = field(default_factory=list)
    reported: int = 0
    racing: bool = False
    waiting: bool = False

    @property
    def plan(self) -> int:
        """Return its index in the study's plan."""
        return self.started.plan

    @property
    def training(self) -> bool:
        """Return whether the end of any of its strands has not been seen."""
        return not all(strand.ended for strand in self.strands)

    def trained(self) -> bool:
        """Return whether no further epoch will come: it has ended, and not in a failure."""
        return not self.training and self.outcome().ended != "failed"

    def receive(self) -> bool:
        """Take in what its workers reported; returns whether there was anything new."""
        changed = [strand.receive() for strand in self.strands]
        return any(changed)

    def history(self) -> History:
        """Return the epochs that all folds begun so far have, folds in order."""
        strands = sorted(self.strands, key=lambda strand: strand.folds)
        together = zip(*(strand.epochs for strand in strands), strict=False)
        return History(tuple(tuple(chain(*folds)) for folds in together))

    def outcome(self) -> TrialOutcome:
        """Return the worst of its strands' outcomes, of equal ones that of the fewest epochs."""
        worst = min(
            (strand for strand in self.strands if strand.ended),
            key=lambda one: (-_SEVERITY.index(one.outcome().ended), len(one.epochs), one.folds),
        )
        return worst.outcome()

    def damaged(self) -> tuple[int, ...]:
        """Return the folds whose newest checkpoint was damaged."""
        outcomes = [one.outcome() for one in self.strands if one.ended]
        return tuple(sorted({fold for one in outcomes for fold in one.damaged}))

    def answer(self, *, stop: bool) -> None:
        """Answer every worker at it; those that train in vain are told to stop.

        A fold that diverged ends the trial at its epoch: the others go on as far, not further.
        """
        for strand in self.strands:
            if not strand.ended:
                hopeless = any(_overtaken(strand, other) for other in self.strands)
                strand.channel.answer(len(strand.epochs), stop=stop or hopeless)

    def effort(self, every: int = 0) -> Effort:
        """Return what was spent on it, in vain or not.

        For a trial that is tried again, with a checkpoint `every` so many epochs: what its next
        attempt has to spend once more.
        """
        kept = [len(one.epochs) // every * every if every else 0 for one in self.strands]
        pairs = zip(self.strands, kept, strict=True)
        trained = [fold for one, n in pairs for folds in one.epochs[n:] for fold in folds]
        return Effort(sum(fold.seconds for fold in trained), len(trained))


def _overtaken(strand: Strand, other: Strand) -> bool:
    if not other.ended:
        return False
    ended = other.outcome().ended
    return ended == "failed" or (ended == "diverged" and len(strand.epochs) >= len(other.epochs))
