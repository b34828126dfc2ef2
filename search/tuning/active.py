"""Trials that are being trained: their fold groups, jobs and workers."""

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import final

from optuna.trial import Trial

from search import text
from search.data.dataset import DatasetInfo
from search.data.statistics import ChannelStatistics
from search.events import Listener
from search.executors.job import CoordinatorEnd, TrialJob, TrialOutcome
from search.executors.pool import Workers
from search.paths import RunPaths, TrialPaths
from search.recipe import Recipe
from search.training.history import FoldEpoch, History
from search.training.settings import TrainingSettings
from search.tuning.attempts import TIMED_OUT
from search.tuning.events import TrialStarted
from search.tuning.pruners import Pruner
from search.tuning.queue import Started
from search.tuning.racing import split_folds
from search.tuning.store import Effort
from spaces import Candidate

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


@final
@dataclass(frozen=True)
class JobFactory:
    """What all trials of a study have in common; `recipe` has no "auto" left."""

    recipe: Recipe
    paths: RunPaths
    dataset: DatasetInfo
    folds_hash: str
    statistics: tuple[ChannelStatistics, ...]
    rule: Pruner

    def build(
        self, number: int, plan: int, candidate: Candidate, folds: tuple[int, ...], *, judged: bool
    ) -> TrialJob:
        """Return the job of some folds of a trial; `judged` if it may be pruned meanwhile."""
        epochs = range(1, self.recipe.epochs) if judged else ()
        return TrialJob(
            plan=plan,
            candidate=candidate.model_dump_json(),
            dataset=self.dataset,
            folds=folds,
            folds_path=self.paths.folds,
            folds_hash=self.folds_hash,
            statistics=self.statistics,
            study_seed=self.recipe.seed,
            settings=training_settings(self.recipe),
            threads=self.recipe.threads,
            decision_epochs=frozenset(e for e in epochs if self.rule.decides_at(plan, e)),
            paths=TrialPaths(self.paths.strand_dir(number, folds[0])),
            checkpoints=self.paths.trial_checkpoints(plan),
            checkpoint_every=self.recipe.checkpoint_every,
            network=self.paths.network(number) if not self.recipe.protocol.refits else None,
        )

    def clear(self, number: int) -> None:
        """Remove a trial's folder, if there is one."""
        _remove(self.paths.trial_dir(number))

    def forget(self, plan: int) -> None:
        """Remove the checkpoints of a trial that needs no further attempt."""
        _remove(self.paths.trial_checkpoints(plan))


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)


def training_settings(recipe: Recipe) -> TrainingSettings:
    """Return the training settings of a resolved recipe."""
    if recipe.precision == "auto":
        raise ValueError("recipe must be resolved, got precision 'auto'")
    return TrainingSettings(
        recipe.epochs,
        recipe.device,
        recipe.precision,
        recipe.protocol.evaluation_batch,
        recipe.protocol.mean_over,
    )


_POLL_SECONDS = 0.1  # a fifth of that costs 2% of a core


@final
class Dispatcher:
    """Keeps the active trials by plan index, and hands their folds to idle workers."""

    def __init__(self, workers: Workers, jobs: JobFactory, listener: Listener) -> None:
        self._workers, self._jobs, self._listener = workers, jobs, listener
        self._active: dict[int, ActiveTrial] = {}

    def trials(self) -> list[ActiveTrial]:
        """Return the active trials."""
        return list(self._active.values())

    def trial(self, plan: int) -> ActiveTrial:
        """Return the active trial of a plan index."""
        return self._active[plan]

    def training(self) -> list[Strand]:
        """Return the strands whose end has not been seen; until then their slots are taken."""
        return [s for active in self._active.values() for s in active.strands if not s.ended]

    def idle(self) -> list[int]:
        """Return the slots at which nothing trains."""
        return sorted(set(range(self._workers.count)) - {s.slot for s in self.training()})

    def wait(self) -> None:
        """Wait until a training ends, and not for long."""
        futures = [strand.future for strand in self.training()]
        wait(futures, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)

    def end_overdue(self, seconds: float) -> None:
        """Kill the workers of trainings that have taken longer than so many seconds."""
        for strand in self.training():
            if strand.overdue is None and time.monotonic() - strand.began > seconds:
                limit = text.duration(seconds)
                strand.overdue = f"{TIMED_OUT}: it had not ended after {limit} (trial_timeout)"
                self._workers.kill(strand.slot)

    def stop_all(self) -> None:
        """Ask everything that trains to stop after its epoch, and wait until it has."""
        while strands := self.training():
            for strand in strands:
                strand.receive()
                strand.channel.answer(len(strand.epochs), stop=True)
            self.wait()

    def start(self, started: Started, folds: Sequence[int], n_others: int) -> None:
        """Start a trial; `n_others` are still to be started.

        Where there are fewer trials than idle slots, its folds spread over several workers.
        """
        active = self._active[started.plan] = ActiveTrial(started.trial, started)
        self._jobs.clear(started.trial.number)
        idle = self.idle()
        n_parts = min(max(len(idle) // (n_others + 1), 1), len(folds))
        for slot, part in zip(idle, split_folds(folds, n_parts), strict=False):
            self._launch(active, part, slot)

    def add_fold(self, plan: int, fold: int) -> None:
        """Train a further fold of an active trial at an idle slot."""
        active = self._active[plan]
        active.reported, active.waiting = 0, False
        self._launch(active, (fold,), self.idle()[0])

    def close(self, active: ActiveTrial) -> None:
        """Forget a trial that has ended, and clear its folder."""
        del self._active[active.plan]
        self._jobs.clear(active.trial.number)

    def forget(self, plan: int) -> None:
        """Remove the checkpoints of a plan index that needs no further attempt."""
        self._jobs.forget(plan)

    def _launch(self, active: ActiveTrial, folds: tuple[int, ...], slot: int) -> None:
        number, plan, candidate = active.trial.number, active.plan, active.started.candidate
        job = self._jobs.build(number, plan, candidate, folds, judged=not active.racing)
        self._listener(TrialStarted(number, plan, slot))
        channel = CoordinatorEnd(job.paths)
        future = self._workers.submit(slot, job)
        active.strands.append(Strand(folds, slot, channel, future))
