"""Real searches of equal trials on random images, timed without what happens once a study."""

import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import final

import numpy as np
from rich.console import Console

from search.data.cache import open_or_build
from search.data.dataset import Content, DatasetInfo, Images, Part, Source
from search.events import Event, Listener
from search.executors.base import Executor
from search.paths import RunPaths
from search.progress.console import LiveDisplay, PlainDisplay
from search.recipe import Recipe
from search.stopping import StopRequest
from search.training.settings import Precision
from search.tuning.folds import make_folds
from search.tuning.opening import OpenStudy, open_study
from search.tuning.preparing import Plan
from search.tuning.records import TrialRecord
from search.tuning.run import run_search
from search.tuning.run_events import EpochEnded, SearchEnded, StudyOpened, TrialEnded, TrialStarted
from spaces import load_space

_POINTS = Path(__file__).with_name("points.py")
HAND_TUNED, QUICK = f"{_POINTS}:HAND_TUNED", f"{_POINTS}:QUICK"
_CLASSES = 10
_SHAPE = (3, 32, 32)
_BATCH = 1000


@final
class RandomImages(Source):
    """Random images of CIFAR-10's shape and kind."""

    def __init__(self, n_train: int) -> None:
        self._n_train = n_train

    @property
    def name(self) -> str:
        """Return "random"."""
        return "random"

    def fingerprint(self) -> str:
        """Return a hash of the size."""
        return hashlib.sha256(f"random {self._n_train}".encode()).hexdigest()

    def read(self, listener: Listener) -> Content:
        """Return images and labels that have nothing to do with one another."""
        names = tuple(str(number) for number in range(_CLASSES))
        return Content(names, _SHAPE, _random_part(self._n_train), _random_part(_CLASSES))


def _random_part(n: int) -> Part:
    return Part(np.arange(n, dtype=np.int64) % _CLASSES, _random_batches(n))


def _random_batches(n: int) -> Iterator[Images]:
    rng = np.random.default_rng(0)
    for begin in range(0, n, _BATCH):
        yield rng.integers(0, 256, (min(_BATCH, n - begin), *_SHAPE), dtype=np.uint8)


def random_dataset(n_train: int, data_dir: Path) -> DatasetInfo:
    """Return random training images in the program's own cache, so memory-mapped by workers."""
    return open_or_build(RandomImages(n_train), data_dir, PlainDisplay(_unseen()))


@final
class Watch:
    """What a user at a terminal has, drawn into memory, with clocks on the search itself.

    `wall` and `cpu` are seconds of this process; queueing the plan comes before `StudyOpened` and
    is not counted. `idle_share` is its CPU while it had nothing to do, of one core: from the start
    of the last trial to the end of that trial's first epoch.
    """

    def __init__(self) -> None:
        self._display = LiveDisplay(_unseen())
        self.trials: list[TrialRecord] = []
        self.wall = self.cpu = self.idle_share = 0.0
        self._started = (0.0, 0.0)

    def __call__(self, event: Event) -> None:
        """Show the event; start and stop the clocks."""
        if isinstance(event, EpochEnded) and event.epoch == 1:
            wall, cpu = self._started
            self.idle_share = (time.process_time() - cpu) / (time.perf_counter() - wall)
        if isinstance(event, SearchEnded):
            self.wall += time.perf_counter()
            self.cpu += time.process_time()
        self._display(event)
        match event:
            case StudyOpened():
                self.wall, self.cpu = -time.perf_counter(), -time.process_time()
            case TrialStarted():
                self._started = time.perf_counter(), time.process_time()
            case TrialEnded():
                self.trials.append(event.trial)
            case _:
                pass

    def close(self) -> None:
        """Give the terminal back."""
        self._display.close()


def _unseen() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def open_hand_tuned(
    dataset: DatasetInfo,
    runs_dir: Path,
    *,
    trials: int,
    epochs: int,
    precision: Precision,
    pruner: str = "none",
    name: str = "benchmark",
) -> OpenStudy:
    """Make a study whose trials all train the hand-tuned CNN at batch 64, by holdout of a fifth."""
    recipe = Recipe(
        space=HAND_TUNED,
        pruner=pruner,
        trials=trials,
        epochs=epochs,
        study_name=name,
        runs_dir=runs_dir,
        workers=1,
        device="cpu",
        precision=precision,
    )
    space = load_space(recipe.space)
    plan = Plan(
        recipe=recipe,
        dataset=dataset,
        space=space,
        paths=RunPaths(runs_dir, recipe.study_name),
        folds=make_folds(recipe, dataset),
        automatic=frozenset(),
        hardware={},
    )
    return open_study(plan)


def watch_search(opened: OpenStudy, workers: Executor) -> Watch:
    """Run the study's search on the workers; returns its clocks and trials.

    Raises RuntimeError where a trial failed: its time would say nothing.
    """
    watch = Watch()
    try:
        run_search(opened, workers, watch, StopRequest())
    finally:
        watch.close()
    reasons = [trial.reason for trial in watch.trials if trial.state == "failed"]
    if reasons:
        raise RuntimeError(f"{len(reasons)} trials failed, the first by: {reasons[0]}")
    return watch
