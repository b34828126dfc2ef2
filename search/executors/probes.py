"""Jobs that probe a worker before the first trial: its device, and how fast it trains."""

import math
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple, Self, final

import joblib
import numpy as np
import torch

from cifar_models import count_parameters, multiply_adds
from search.data.cache import load_train_split
from search.data.dataset import ChannelStatistics, DatasetInfo
from search.executors.base import Channel
from search.executors.cluster.devices import processor_name
from search.executors.job_files import JobFiles, Place, moved_dataset
from search.seeding import derive_seed
from search.training.settings import Precision, TrainingSettings, fastest_precision, resolve_device
from search.training.trainer import FoldTask, FoldTraining
from spaces.candidate import Candidate, load_candidate
from spaces.families import FamilySource
from spaces.inputs import input_paths, relocated


@final
@dataclass(frozen=True)
class DeviceFacts:
    """What jobs compute on.

    Attributes:
        device: "cpu", "cuda" or "cuda:N".
        auto_precision: The precision that suits it: bf16 where it computes that natively.
        cores: Processor cores that may be used.
        free_bytes: Free memory of a GPU; None for a CPU.
        hardware: Processor, cores, system and so on, in words.
    """

    device: str
    auto_precision: Precision
    cores: int
    free_bytes: int | None
    hardware: dict[str, str]


@final
@dataclass(frozen=True)
class DeviceProbe:
    """Looks at the device of that name; "auto" is the GPU if there is one."""

    device: str
    folder: Path | None = None

    def run(self, channel: Channel) -> DeviceFacts:
        """Return the facts; raises ValueError if there is no such device."""
        del channel
        device, cores = resolve_device(self.device), int(joblib.cpu_count())
        hardware = {"processor": processor_name(), "cores": str(cores), "system": platform.system()}
        hardware["instructions"] = torch.backends.cpu.get_cpu_capability()
        free_bytes = None
        if device.startswith("cuda"):
            hardware["gpu"] = torch.cuda.get_device_name(device)
            free_bytes, _ = torch.cuda.mem_get_info(device)
        precision = fastest_precision(device)
        return DeviceFacts(device, precision, cores, free_bytes, hardware)


_BUDGET_SECONDS = 0.5  # for all but the smallest network; one that is started is finished
_REPEATS = 3
_MOST_WORK = 500_000_000  # of one forward pass over a warm-up's images, in multiply-adds
_LARGEST_STEP = 4_000_000_000  # of a forward pass over a batch
_SMALLEST_BATCH = 8
_BATCHES = 3  # to train on, at least
_UPDATE = 50
"""To update a parameter takes as long as so many multiply-adds of a network, forward and backward:
measured on 50 trials of space mlp on two cores."""


class _Sized(NamedTuple):
    """A candidate with what it costs to train on one image.

    Attributes:
        work: Multiply-adds of its network for one image, and what they are worth that go into each
            step of the optimizer; less if a part of the network is frozen.
        multiply_adds: Those of its network for one image.
    """

    work: int
    multiply_adds: int
    candidate: Candidate

    @classmethod
    def of(cls, candidate: Candidate, shape: tuple[int, int, int], classes: int) -> Self:
        """Return a candidate for images of this shape."""
        model = candidate.model
        size = multiply_adds(model, shape, classes)
        updates = _UPDATE * count_parameters(model, shape, classes) / candidate.batch_size
        return cls(round((size + updates) * model.training_share), size, candidate)


@final
@dataclass(frozen=True)
class Price:
    """What training a candidate costs.

    Attributes:
        multiply_adds: Those of its network for one image.
        image_seconds: Seconds of an epoch per training image, validation included.
    """

    multiply_adds: int
    image_seconds: float


@final
@dataclass(frozen=True)
class WarmUp:
    """Trains the smallest, the largest and a middle candidate for a moment, some two seconds.

    It has its own random generators and leaves nothing behind.

    Attributes:
        candidates: What is to be trained, as JSON.
        families: The code of their networks, if these are the user's own.
        dataset: The images; which of them are trained on does not matter to the time.
        n_train: Images that a fold trains on.
        n_validation: Images that it validates on.
        study_seed: The study's seed.
        settings: How networks are trained.
        threads: Threads that compute.
    """

    candidates: tuple[str, ...]
    dataset: DatasetInfo
    n_train: int
    n_validation: int
    study_seed: int
    settings: TrainingSettings
    threads: int
    families: FamilySource | None = None
    folder: Path | None = None

    def run(self, channel: Channel) -> tuple[Price, ...]:
        """Return what each candidate costs.

        Raises RuntimeError if the device cannot train them.
        """
        del channel
        shape, classes = self.dataset.image_shape, len(self.dataset.class_names)
        candidates = [load_candidate(one, self.families) for one in self.candidates]
        sized = [_Sized.of(one, shape, classes) for one in candidates]
        measured = self._measured(sorted(sized, key=lambda one: one.work))
        return tuple(Price(one.multiply_adds, interpolate(measured, one.work)) for one in sized)

    def files(self) -> JobFiles:
        """Return the images, and what the networks start from."""
        paths = (path for one in self.candidates for path in input_paths(one))
        return JobFiles(self.dataset, tuple(dict.fromkeys(paths)))

    def moved(self, place: Place) -> Self:
        """Return the same job for a machine where its files are elsewhere."""
        candidates = tuple(relocated(one, place) for one in self.candidates)
        return replace(self, dataset=moved_dataset(self.dataset, place), candidates=candidates)

    def _measured(self, ranked: list[_Sized]) -> dict[int, float]:
        """Return seconds per image by work, in ascending order."""
        further = {one.work: one for one in (ranked[-1], ranked[len(ranked) // 2])}
        with use_threads(self.threads):
            measured = {ranked[0].work: _measure(self, ranked[0], math.inf)}
            end = time.monotonic() + _BUDGET_SECONDS  # the first has paid for imports
            for count, sized in further.items():
                if count not in measured and time.monotonic() < end:
                    measured[count] = _measure(self, sized, end)
        return dict(sorted(measured.items()))


def interpolate(measured: Mapping[int, float], work: int) -> float:
    """Return a network's seconds: interpolated, or in proportion beyond the largest measured."""
    counts, seconds = list(measured), list(measured.values())
    beyond = max(work / counts[-1], 1.0)
    return float(np.interp(work, counts, seconds)) * beyond


def _measure(warm_up: WarmUp, sized: _Sized, end: float) -> float:
    """Return the seconds per image of an epoch, measured by two much shorter ones.

    Their difference tells what an image takes from what each epoch takes once.
    """
    candidate = _affordable(sized)
    few, many = candidate.batch_size, _n_images(sized, candidate.batch_size, warm_up.n_train)
    seconds = _fastest(warm_up, candidate, many, end)
    if many < 2 * few:
        return seconds / many
    shorter = min(_fastest(warm_up, candidate, few, end), seconds)
    each = (seconds - shorter) / (many - few)
    return each + max(shorter - few * each, 0.0) / warm_up.n_train


def _fastest(warm_up: WarmUp, candidate: Candidate, n_images: int, end: float) -> float:
    """Return the seconds of the fastest of a few epochs, as workers are starting; one if late."""
    training = _training(warm_up, candidate, n_images)
    training.run_epoch(1)  # which also pays for memory
    further = range(2, _REPEATS + 2)
    timed = takewhile(lambda epoch: epoch == further[0] or time.monotonic() < end, further)
    return min(training.run_epoch(epoch).seconds for epoch in timed)


def _affordable(sized: _Sized) -> Candidate:
    """Return the candidate; a huge network with smaller batches, which cost as much per image."""
    most = max(_LARGEST_STEP // max(sized.multiply_adds, 1), _SMALLEST_BATCH)
    batch = min(sized.candidate.batch_size, most)
    return sized.candidate.model_copy(update={"batch_size": batch})


def _n_images(sized: _Sized, batch_size: int, n_train: int) -> int:
    affordable = _MOST_WORK // max(sized.multiply_adds, 1)
    return min(max(affordable, _BATCHES * batch_size), n_train)


def _training(warm_up: WarmUp, candidate: Candidate, n_images: int) -> FoldTraining:
    settings, classes = warm_up.settings, len(warm_up.dataset.class_names)
    n_validation = max(n_images * warm_up.n_validation // warm_up.n_train, 1)
    rate, channels = candidate.optimizer.learning_rate, warm_up.dataset.image_shape[0]
    task = FoldTask(
        train=torch.arange(n_images),
        validation=torch.arange(n_images, n_images + n_validation),
        statistics=ChannelStatistics((127.5,) * channels, (64.0,) * channels),
        schedule=candidate.schedule.build(rate, max(settings.epochs, _REPEATS + 1)),
        seed=derive_seed(warm_up.study_seed, "warm-up"),
    )
    data = load_train_split(warm_up.dataset).to(settings.device)
    return FoldTraining(candidate, task, data, classes, settings)


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Compute with this number of threads in the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
