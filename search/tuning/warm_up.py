"""How fast networks train here: a short warm-up on the study's own data and device."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple, final

import numpy as np
import torch

from search.data.cache import load_train_split
from search.data.splits import Fold
from search.seeding import derive_seed
from search.training.schedules import build_schedule
from search.training.trainer import FoldTask, FoldTraining
from search.tuning.active import training_settings
from search.tuning.opening import OpenStudy
from spaces import Candidate

_BUDGET_SECONDS = 0.5  # beside the smallest network, and what the last still takes
_REPEATS = 3
_MOST_WORK = 500_000_000  # multiply-adds of one forward pass over a rehearsal's images
_SMALLEST_BATCH = 8


class Sized(NamedTuple):
    """A candidate with the multiply-adds of its network for one image."""

    multiply_adds: int
    candidate: Candidate


@final
@dataclass(frozen=True)
class Pace:
    """Seconds that an epoch takes for each training image, validation included.

    `measured` holds (multiply-adds, seconds) of at least one network, the smallest first.
    """

    measured: tuple[tuple[int, float], ...]

    def seconds(self, multiply_adds: int) -> float:
        """Return the seconds of a network: between measured ones, or in proportion beyond."""
        counts = [count for count, _ in self.measured]
        seconds = [seconds for _, seconds in self.measured]
        beyond = max(multiply_adds / counts[-1], 1.0)
        return float(np.interp(multiply_adds, counts, seconds)) * beyond


def measure_pace(opened: OpenStudy, fold: Fold, candidates: Sequence[Sized]) -> Pace:
    """Train the smallest, the largest and a middle network for a moment; takes some two seconds.

    Draws from generators of its own, and leaves nothing behind. Raises RuntimeError where the
    device cannot train them.
    """
    ranked = sorted(candidates, key=lambda one: one.multiply_adds)
    further = {one.multiply_adds: one for one in (ranked[-1], ranked[len(ranked) // 2])}
    with _threads(opened.recipe.threads):
        measured = {ranked[0].multiply_adds: _rehearse(opened, fold, ranked[0], math.inf)}
        end = time.monotonic() + _BUDGET_SECONDS  # the first has paid for imports
        for count, sized in further.items():
            if count not in measured and time.monotonic() < end:
                measured[count] = _rehearse(opened, fold, sized, end)
    return Pace(tuple(sorted(measured.items())))


def _rehearse(opened: OpenStudy, fold: Fold, sized: Sized, end: float) -> float:
    """Return the seconds an image of the fastest of a few short epochs; one after the `end`."""
    candidate = _within_reach(sized)
    n_images = _n_images(sized, candidate.batch_size, len(fold.train))
    training = _training(opened, fold, candidate, n_images)
    training.run_epoch(1)  # which also pays for memory
    further = range(2, _REPEATS + 2)
    timed = takewhile(lambda epoch: epoch == further[0] or time.monotonic() < end, further)
    fastest = min(training.run_epoch(epoch).seconds for epoch in timed)
    return fastest / n_images  # the others were disturbed, as workers are starting


def _within_reach(sized: Sized) -> Candidate:
    """Return the candidate, of a huge network with smaller batches, which cost an image as much."""
    most = max(_MOST_WORK // max(sized.multiply_adds, 1), _SMALLEST_BATCH)
    batch = min(sized.candidate.batch_size, most)
    return sized.candidate.model_copy(update={"batch_size": batch})


def _n_images(sized: Sized, batch_size: int, n_train: int) -> int:
    affordable = _MOST_WORK // max(sized.multiply_adds, 1)
    return min(max(affordable, 2 * batch_size), n_train)


def _training(opened: OpenStudy, fold: Fold, candidate: Candidate, n_images: int) -> FoldTraining:
    settings, classes = training_settings(opened.recipe), len(opened.dataset.class_names)
    n_validation = max(n_images * len(fold.validation) // len(fold.train), 1)
    rate = candidate.optimizer.learning_rate
    task = FoldTask(
        train=torch.from_numpy(fold.train[:n_images]),
        validation=torch.from_numpy(fold.validation[:n_validation]),
        statistics=opened.statistics[0],
        schedule=build_schedule(candidate.schedule, rate, max(settings.epochs, _REPEATS + 1)),
        seed=derive_seed(opened.recipe.seed, "warm-up"),
    )
    data = load_train_split(opened.dataset).to(settings.device)
    return FoldTraining(candidate, task, data, classes, settings)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with as many threads as a worker has, for the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
