"""How the scheduler keeps up with 1,000 workers, by simulation.

Trainings are recorded curves that are replayed on a simulated clock, an epoch every five seconds.
The scheduler, the sampler, the pruner and the database are real: what they take is real time, in
which the clock goes on and slots stay idle. Where the scheduler waits, the clock jumps.
"""

import gc
import heapq
import math
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final
from unittest.mock import patch

import sqlalchemy

from search.events import Event
from search.executors import InlineExecutor
from search.executors.base import Executor, FoldEpochs, JobChannel
from search.executors.training_jobs import TrialJob, TrialOutcome
from search.pipeline import run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.locks import study_lock
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.run import run_search
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.machine import machine_facts
from tests.chaos.server import running_server

SLOTS = 1_000
EPOCHS = 40
EPOCH_SECONDS = 5.0
_N_RECORDED = 8
_SPACE = """
from spaces import AdamConfig, Candidate, MLPConfig, Space

def suggest(trial):
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    optimizer = AdamConfig(learning_rate=rate)
    return Candidate(model=MLPConfig(hidden_widths=(16,), dropouts=(0.0,)), optimizer=optimizer)

MANY = Space("many", suggest)
"""


@final
class Clock:
    """The simulated time: real time while something works, and jumps where it would wait."""

    def __init__(self) -> None:
        self._jumped, self._began = 0.0, time.perf_counter()

    def now(self) -> float:
        """Return the simulated seconds since it was made."""
        return self._jumped + time.perf_counter() - self._began

    def jump_to(self, moment: float) -> None:
        """Go on to a later moment at once."""
        self._jumped += max(moment - self.now(), 0.0)


@final
@dataclass
class ReplayedTraining:
    """A training that replays a recorded curve.

    Attributes:
        n_reported: How many epochs have ended.
        stopping: Whether it ends with its epoch.
    """

    future: "Future[TrialOutcome]"
    epochs: Sequence[FoldEpochs]
    n_reported: int = 0
    n_read: int = 0
    stopping: bool = False


@final
class ReplayedChannel(JobChannel):
    """The scheduler's end of the connection with a replayed training."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.hosts = folder, ()
        self.training: ReplayedTraining | None = None

    def receive(self) -> list[FoldEpochs]:
        training = self.training
        if training is None:
            return []
        new = list(training.epochs[training.n_read : training.n_reported])
        training.n_read = training.n_reported
        return new

    def answer(self, epoch: int, *, stop: bool) -> None:
        if self.training is not None:
            self.training.stopping = stop


@final
@dataclass
class ReplayingExecutor(Executor):
    """Slots in which recorded curves are replayed.

    Attributes:
        clock: The simulated time.
        curves: What is replayed, in turn.
        busy: Seconds that slots were busy until the last training started.
    """

    clock: Clock
    curves: Sequence[Sequence[FoldEpochs]]
    n_slots: int = SLOTS
    busy: float = 0.0
    _events: list[tuple[float, int, ReplayedTraining]] = field(default_factory=list)
    _channels: dict[Path, ReplayedChannel] = field(default_factory=dict)
    _n_started: int = 0
    _began: float | None = None
    _last_start: float = 0.0
    _spans: list[tuple[float, float]] = field(default_factory=list)

    name = "replay"

    @property
    def slots(self) -> int:
        return self.n_slots

    def channel(self, folder: Path) -> JobChannel:
        self._channels[folder] = ReplayedChannel(folder)
        return self._channels[folder]

    def submit(self, slot: int, job: Any) -> "Future[Any]":
        if not isinstance(job, TrialJob):
            return InlineExecutor().submit(0, job)
        training = ReplayedTraining(Future(), self.curves[job.index % len(self.curves)])
        self._channels.pop(job.folder).training = training
        self._last_start = now = self.clock.now()
        self._began = now if self._began is None else self._began
        self._n_started += 1
        heapq.heappush(self._events, (now + EPOCH_SECONDS, self._n_started, training))
        return training.future

    def wait(self, futures: Iterable[object], timeout: float, **_: object) -> None:
        """Do what `concurrent.futures.wait` does, on the simulated clock."""
        del futures
        if self._events and self._events[0][0] > self.clock.now():
            self.clock.jump_to(min(self._events[0][0], self.clock.now() + timeout))
        while self._events and self._events[0][0] <= self.clock.now():
            ended, number, training = heapq.heappop(self._events)
            self._spans.append((ended - EPOCH_SECONDS, ended))
            training.n_reported += 1
            whole = training.n_reported == len(training.epochs)
            if whole or training.stopping:
                training.future.set_result(TrialOutcome("finished" if whole else "stopped"))
            else:
                heapq.heappush(self._events, (ended + EPOCH_SECONDS, number, training))

    def busy_share(self) -> float:
        """Return the share of the slots that trained, until the last training started.

        Of the time before all slots have had their first training nothing is left out.
        """
        began, end = self._began or 0.0, self._last_start
        spans = [*self._spans, *((one - EPOCH_SECONDS, one) for one, _, _ in self._events)]
        trained = math.fsum(max(min(stop, end) - start, 0.0) for start, stop in spans)
        return trained / max(end - began, 1e-9) / self.n_slots

    def kill(self, slot: int) -> None:
        """Do nothing: replayed trainings do not hang."""

    def close(self) -> None:
        """Do nothing."""


@final
@dataclass(frozen=True)
class Scale:
    """What a search of so many trials took.

    Attributes:
        busy: The share of busy slots until the last training started.
        milliseconds: Of the coordinator's time, a trial.
        kilobytes: Of its memory, a trial.
    """

    trials: int
    busy: float
    milliseconds: float
    kilobytes: float


def run(
    results_dir: Path, *, trials: Sequence[int], slots: int = SLOTS, postgresql: bool = False
) -> None:
    """Search with each of these numbers of trials, and compare the largest with the smallest."""
    facts = machine_facts() | {"slots": slots, "epochs": EPOCHS, "postgresql": postgresql}
    server = running_server() if postgresql else nullcontext()
    with server as running, TemporaryDirectory() as name:
        url = None if running is None else running.url
        curves = record_curves(Path(name))
        found = [measure(Path(name), n, slots, curves, url) for n in sorted(trials)]
    least, most = found[0], found[-1]
    checks = [
        check
        for one in found
        for check in (
            Check(f"{one.trials:,} trials: slots busy", "%", (100 * one.busy,)),
            Check(f"{one.trials:,} trials: coordinator", "ms a trial", (one.milliseconds,)),
            Check(f"{one.trials:,} trials: memory", "kB a trial", (one.kilobytes,)),
        )
    ]
    ratio = most.milliseconds / least.milliseconds
    checks += [
        Check("slots busy, most trials", "%", (100 * most.busy,), Bound(">=", 95)),
        Check("time a trial, most against least", "times", (ratio,), Bound("<=", 1.5)),
    ]
    show_checks("scale", f"{slots:,} workers, simulated", checks, facts, results_dir)


def record_curves(folder: Path) -> list[list[FoldEpochs]]:
    """Return the epochs of some real trainings on digits."""
    recipe = _recipe(folder, _N_RECORDED, pruner="none", workers=1)
    record = run_study(recipe, _ignore, executor="inline").record
    return [list(trial.history.epochs) for trial in record.trials]


def measure(
    folder: Path,
    trials: int,
    slots: int,
    curves: Sequence[Sequence[FoldEpochs]],
    server: sqlalchemy.URL | None = None,
) -> Scale:
    """Search with replayed trainings."""
    storage = None if server is None else server.render_as_string(hide_password=False)
    recipe = _recipe(folder, trials, workers=slots, storage=storage)
    opened = open_study(prepare(recipe, InlineExecutor(), _ignore))
    executor = ReplayingExecutor(Clock(), curves, slots)
    gc.collect()
    before, began = _megabytes(), time.process_time()
    with (
        study_lock(opened.paths, recipe.storage),
        patch("search.tuning.running_trials.wait", executor.wait),
    ):
        run_search(opened, executor, _ignore, StopRequest())
    seconds = time.process_time() - began
    gc.collect()
    kilobytes = 1000 * (_megabytes() - before) / trials
    return Scale(trials, executor.busy_share(), 1000 * seconds / trials, kilobytes)


def _recipe(folder: Path, trials: int, **settings: Any) -> Recipe:
    space = folder / "many.py"
    space.write_text(_SPACE, encoding="utf-8")
    return Recipe(
        space=f"{space}:MANY",
        dataset="digits",
        data_dir=folder / "data",
        runs_dir=folder / "runs",
        study_name=f"trials-{trials}",
        trials=trials,
        epochs=EPOCHS,
        device="cpu",
        precision="fp32",
        with_baseline=False,
        **settings,
    )


def _ignore(event: Event) -> None:
    del event


def _megabytes() -> float:
    """Return the memory of this process."""
    with open("/proc/self/statm", encoding="utf-8") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * 4096 / 1e6
