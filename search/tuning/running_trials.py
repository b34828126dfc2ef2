"""Running trials: their fold groups, and the slots in which these train."""

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import final

from optuna.trial import Trial

from search import text
from search.errors import MachineError, UserError
from search.events import Listener
from search.executors.base import Executor, FoldEpochs, JobChannel
from search.executors.failures import describe_failure, kind_of_failure
from search.executors.training_jobs import TrialJob, TrialOutcome
from search.files import make_folder, remove_folder
from search.objectives import LATENCY, objective_names
from search.training.history import History
from search.tuning.ask_and_tell import ClaimedTrial
from search.tuning.attempts import TIMED_OUT
from search.tuning.opening import OpenStudy
from search.tuning.pruners import NoPruner, Pruner
from search.tuning.racing import split_folds
from search.tuning.records import TrialCost
from search.tuning.run_events import TrialStarted
from search.tuning.workload import training_settings
from spaces import Candidate

_POLL_SECONDS = 0.1  # a fifth of that costs 2% of a core

# Of several endings the worst is the trial's.
_SEVERITY = ("finished", "paused", "stopped", "diverged", "failed", "outage", "fault")
_BUS_ERROR = "SIGBUS"  # a part of a file that is mapped into memory could not be read


@final
@dataclass
class FoldGroup:
    """Some folds of a trial, trained in lockstep by one job in one slot.

    Attributes:
        overdue: Why the job was killed, if it was.
    """

    folds: tuple[int, ...]
    slot: int
    channel: JobChannel
    future: "Future[TrialOutcome]"
    epochs: list[FoldEpochs] = field(default_factory=list)
    ended: bool = False
    overdue: str | None = None

    def receive(self) -> bool:
        """Receive reported epochs; returns whether there was anything new."""
        done = self.future.done()  # first, so that what came before the end is read below
        reported = self.channel.receive()
        changed = bool(reported) or done != self.ended
        self.epochs += reported
        self.ended = done
        return changed

    @property
    def paused(self) -> bool:
        """Return whether it ended at a rung, to be continued by another job."""
        return self.ended and self.outcome().ended == "paused"

    def outcome(self) -> TrialOutcome:
        """Return how its training ended, once it has.

        Raises UserError or MachineError where no training can go on, as without a cluster.
        """
        error = self.future.exception()
        if isinstance(error, UserError | MachineError):
            raise error
        if error is None:
            return self.future.result()
        if self.overdue is not None:
            return TrialOutcome("failed", self.overdue)
        if _BUS_ERROR in str(error):
            return TrialOutcome("outage", f"the worker could not read a file ({_BUS_ERROR})")
        kind = kind_of_failure(error, (self.channel.folder,))
        if kind != "failed":
            return TrialOutcome(kind, describe_failure(error))
        return TrialOutcome("failed", f"the worker died ({type(error).__name__})")


@final
@dataclass
class RunningTrial:
    """A trial that Optuna counts as running.

    It is trained, then waits for its pruning decision. Some pruners pause it at rungs until it is
    promoted. In a fold race it then waits until it earns more folds or the race is over.

    Attributes:
        reported: How many of its epochs were reported to Optuna and the listener.
        racing: Whether it has reached the last epoch on its first fold.
        waiting: Whether it waits in the race, or paused at a rung.
        seconds: How long it trained before it last paused or waited.
        since: Since when it trains, on the monotonic clock; None: it does not.
    """

    claimed: ClaimedTrial
    groups: list[FoldGroup] = field(default_factory=list)
    reported: int = 0
    racing: bool = False
    waiting: bool = False
    seconds: float = 0.0
    since: float | None = None

    @property
    def trial(self) -> Trial:
        """Return Optuna's trial."""
        return self.claimed.trial

    @property
    def index(self) -> int:
        """Return its index in the study's plan."""
        return self.claimed.index

    @property
    def training(self) -> bool:
        """Return whether any of its fold groups still trains."""
        return not all(group.ended for group in self.groups)

    @property
    def paused(self) -> bool:
        """Return whether all of its folds have trained to the rung where they pause."""
        return not self.training and self.outcome().ended == "paused"

    def trained(self) -> bool:
        """Return whether no further epoch will come: it is not continued or tried again."""
        ended = None if self.training else self.outcome().ended
        return ended in ("finished", "stopped", "diverged")

    def receive(self) -> bool:
        """Receive epochs of its jobs; returns whether there was anything new."""
        changed = [group.receive() for group in self.groups]
        if not self.training:
            self.seconds, self.since = self.trained_seconds(), None
        return any(changed)

    def add(self, group: FoldGroup) -> None:
        """Add folds that train from now on."""
        if self.since is None:
            self.since = time.monotonic()
        self.groups.append(group)

    def trained_seconds(self) -> float:
        """Return how long it has trained in this run, without the time in which it waited."""
        return self.seconds + (0.0 if self.since is None else time.monotonic() - self.since)

    def history(self) -> History:
        """Return the epochs that all started folds have, folds in order."""
        groups = sorted(self.groups, key=lambda group: group.folds)
        together = zip(*(group.epochs for group in groups), strict=False)
        return History(tuple(tuple(chain(*folds)) for folds in together))

    def outcome(self) -> TrialOutcome:
        """Return the worst outcome of its groups; among equals, that with the fewest epochs."""
        worst = min(
            (group for group in self.groups if group.ended),
            key=lambda one: (-_SEVERITY.index(one.outcome().ended), len(one.epochs), one.folds),
        )
        return worst.outcome()

    def hosts(self) -> tuple[str, ...]:
        """Return the machines of a cluster that it has run on; none on this machine."""
        return tuple(dict.fromkeys(host for one in self.groups for host in one.channel.hosts))

    def damaged(self) -> tuple[int, ...]:
        """Return the folds whose newest checkpoint was damaged."""
        outcomes = [one.outcome() for one in self.groups if one.ended]
        return tuple(sorted({fold for one in outcomes for fold in one.damaged}))

    def answer(self, *, stop: bool) -> None:
        """Answer its jobs; those whose further epochs would be discarded have to stop.

        A fold that diverged ends the trial at that epoch: the others catch up and stop there.
        """
        for group in self.groups:
            if not group.ended:
                useless = any(_makes_useless(other, group) for other in self.groups)
                group.channel.answer(len(group.epochs), stop=stop or useless)

    def cost(self, checkpoint_every: int = 0) -> TrialCost:
        """Return what was spent on it, discarded epochs included.

        With `checkpoint_every` given, for a trial that is tried again: what the next attempt has
        to spend again.
        """
        every = checkpoint_every
        kept = [len(one.epochs) // every * every if every else 0 for one in self.groups]
        pairs = zip(self.groups, kept, strict=True)
        trained = [fold for one, n in pairs for folds in one.epochs[n:] for fold in folds]
        return TrialCost(sum(fold.seconds for fold in trained), len(trained))


def _makes_useless(ended: FoldGroup, group: FoldGroup) -> bool:
    """Return whether a group that ended makes further epochs of another one useless."""
    if not ended.ended:
        return False
    how = ended.outcome().ended
    return how == "failed" or (how == "diverged" and len(group.epochs) >= len(ended.epochs))


@final
class RunningTrials:
    """The running trials; hands their fold groups to idle slots of the executor."""

    def __init__(
        self, opened: OpenStudy, executor: Executor, pruner: Pruner, listener: Listener
    ) -> None:
        self._opened, self._executor = opened, executor
        self._pruner, self._listener = pruner, listener
        self._trials: dict[int, RunningTrial] = {}

    def trials(self) -> list[RunningTrial]:
        """Return the running trials."""
        return list(self._trials.values())

    def trial(self, index: int) -> RunningTrial:
        """Return the running trial of an index."""
        return self._trials[index]

    def training(self) -> list[FoldGroup]:
        """Return the fold groups that still train, each in a slot."""
        return [
            group for trial in self._trials.values() for group in trial.groups if not group.ended
        ]

    def idle_slots(self) -> list[int]:
        """Return the slots in which nothing trains."""
        return sorted(set(range(self._executor.slots)) - {group.slot for group in self.training()})

    def wait(self) -> None:
        """Wait until a training ends, for a short time at most."""
        futures = [group.future for group in self.training()]
        wait(futures, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)

    def kill_overdue(self, seconds: float) -> None:
        """Kill what trains of trials that have trained for longer than this.

        Time before and after a pause counts, but not the pause, nor what an earlier run trained.
        """
        limit = text.duration(seconds)
        overdue = (one for one in self._trials.values() if one.trained_seconds() > seconds)
        for group in (group for one in overdue for group in one.groups):
            if not group.ended and group.overdue is None:
                group.overdue = f"{TIMED_OUT}: it had not ended after {limit} (trial_timeout)"
                self._executor.kill(group.slot)

    def kill_all(self) -> None:
        """Kill all trainings, and wait until their slots are idle."""
        training = self.training()
        for group in training:
            self._executor.kill(group.slot)
        wait([group.future for group in training])

    def stop_all(self) -> None:
        """Stop all trainings at the end of their epoch, and wait for them."""
        while groups := self.training():
            for group in groups:
                group.receive()
                group.channel.answer(len(group.epochs), stop=True)
            self.wait()

    def start(
        self, claimed: ClaimedTrial, folds: Sequence[int], n_others: int, pause: int | None
    ) -> None:
        """Start a trial, up to the epoch of its first pause, if any.

        If there are fewer trials than idle slots, its folds are spread over several slots:
        `n_others` can be started, too.
        """
        running = self._trials[claimed.index] = RunningTrial(claimed)
        self._clear(claimed.trial)
        idle = self.idle_slots()
        n_parts = min(max(len(idle) // (n_others + 1), 1), len(folds))
        for slot, part in zip(idle, split_folds(folds, n_parts), strict=False):
            self._submit(running, part, slot, pause)

    def resume(self, index: int, pause: int | None) -> bool:
        """Continue paused folds of a trial in an idle slot, up to its next pause.

        Returns False if the trial has none.
        """
        running = self._trials.get(index)
        paused = [] if running is None else [one for one in running.groups if one.paused]
        if running is None or not paused:
            return False
        folds = paused[0].folds
        running.groups.remove(paused[0])
        running.waiting = False
        remove_folder(self._opened.paths.fold_group_dir(running.trial.number, folds[0]))
        self._submit(running, folds, self.idle_slots()[0], pause)
        return True

    def add_fold(self, index: int, fold: int) -> None:
        """Train a further fold of a running trial in an idle slot."""
        running = self._trials[index]
        running.reported, running.waiting = 0, False
        self._submit(running, (fold,), self.idle_slots()[0])

    def remove(self, running: RunningTrial) -> None:
        """Remove a trial that has ended, and its folder."""
        del self._trials[running.index]
        self._clear(running.trial)

    def forget(self, index: int) -> None:
        """Remove the checkpoints of an index that needs no further attempt."""
        remove_folder(self._opened.paths.trial_checkpoints(index))

    def _clear(self, trial: Trial) -> None:
        remove_folder(self._opened.paths.trial_dir(trial.number))

    def _submit(
        self,
        running: RunningTrial,
        folds: tuple[int, ...],
        slot: int,
        pause: int | None = None,
    ) -> None:
        pruner = NoPruner() if running.racing else self._pruner
        number, candidate = running.trial.number, running.claimed.candidate
        job = make_trial_job(self._opened, number, running.index, candidate, folds, pruner)
        predictions = self._opened.paths.fold_predictions(number, folds[0])
        job = replace(job, pause_after=pause, predictions=predictions)
        self._listener(TrialStarted(number, running.index, slot))
        channel = self._executor.channel(job.folder)
        future = self._executor.submit(slot, job)
        running.add(FoldGroup(folds, slot, channel, future))


def make_trial_job(
    opened: OpenStudy,
    number: int,
    index: int,
    candidate: Candidate,
    folds: tuple[int, ...],
    pruner: Pruner,
) -> TrialJob:
    """Return the job of some folds of a trial, which the pruner may end early.

    The folders in which it creates its own are made, unless the study's folder is not there.

    Args:
        opened: The study.
        number: The trial's number in Optuna, which names its folder.
        index: Its index in the plan, which decides its seeds.
        candidate: What is trained.
        folds: The folds to train in lockstep.
        pruner: Says after which epochs the job waits shortly for a decision.

    Raises:
        OSError: The study's folder is out of reach.
    """
    recipe, paths = opened.recipe, opened.paths
    for folder in (paths.trial_dir(number), paths.checkpoints_dir):
        make_folder(folder, within=paths.study_dir)
    epochs = range(1, recipe.epochs)
    return TrialJob(
        index=index,
        candidate=candidate.model_dump_json(),
        dataset=opened.dataset,
        folds=folds,
        folds_path=paths.folds,
        folds_hash=opened.folds_hash,
        statistics=opened.statistics,
        study_seed=recipe.seed,
        settings=training_settings(recipe),
        threads=recipe.threads,
        decision_epochs=frozenset(
            e for e in epochs if not pruner.pauses and pruner.decides_at(index, e)
        ),
        folder=paths.fold_group_dir(number, folds[0]),
        checkpoints=paths.trial_checkpoints(index),
        checkpoint_every=recipe.checkpoint_every,
        metric=recipe.metric,
        measures_latency=LATENCY.name in objective_names(recipe.objective or ""),
        network=None if recipe.protocol.refits else paths.network(number),
        families=opened.space.family_source,
    )
