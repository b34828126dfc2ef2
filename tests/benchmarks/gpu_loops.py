"""The loops that are compared on a GPU, each as one epoch with validation."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import torch
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from search.data.dataset import TrainSplit, channel_statistics
from search.training.settings import TrainingSettings
from search.training.steps import EagerStep, Learner, StepBuilder, TrainingStep, build_step
from search.training.trainer import FoldTask, FoldTraining
from spaces import Candidate
from spaces.schedules import ConstantSchedule
from tests.benchmarks.loops import CLASSES, Batch, parts, plain_epoch

StepKind = Literal["eager", "graph"]
Epoch = Callable[[], None]


def loader_loop(candidate: Candidate, data: TrainSplit, device: str) -> Epoch:
    """Return a plain loop whose DataLoader collates images one by one, in fp32."""
    train, validation = parts(data)
    dataset = TensorDataset(_normalized(data, train), data.labels)

    def load(indices: torch.Tensor, size: int, *, shuffle: bool) -> Callable[[], Iterable[Batch]]:
        subset: Dataset[tuple[torch.Tensor, ...]] = Subset(dataset, indices.tolist())
        loader = DataLoader(subset, size, shuffle=shuffle, pin_memory=device.startswith("cuda"))
        return lambda: _moved(loader, device)

    with torch.device(device):
        return plain_epoch(
            candidate,
            load(train, candidate.batch_size, shuffle=True),
            load(validation, 1000, shuffle=False),
        )


def resident_loop(candidate: Candidate, data: TrainSplit, device: str) -> Epoch:
    """Return a plain loop on normalised float tensors that lie on the device, in fp32."""
    train, validation = parts(data)
    images, labels = _normalized(data, train).to(device), data.labels.to(device)
    train, validation = train.to(device), validation.to(device)

    def batches(indices: torch.Tensor, size: int) -> Iterator[Batch]:
        return ((images[one], labels[one]) for one in torch.split(indices, size))

    def shuffled() -> torch.Tensor:
        return train[torch.randperm(len(train), device=device)]

    with torch.device(device):
        return plain_epoch(
            candidate,
            lambda: batches(shuffled(), candidate.batch_size),
            lambda: batches(validation, 1000),
        )


def our_loop(
    candidate: Candidate,
    data: TrainSplit,
    settings: TrainingSettings,
    kind: StepKind,
    folds: int = 1,
) -> Epoch:
    """Return an epoch of this program's folds in lockstep; `data` lies on the settings' device."""
    train, validation = parts(data)
    trainings = [
        build_training(candidate, data, settings, kind, (train, validation), seed)
        for seed in range(folds)
    ]

    epochs = itertools.count(1)

    def run() -> None:
        epoch = next(epochs)
        for training in trainings:
            training.run_epoch(epoch)

    return run


def build_training(
    candidate: Candidate,
    data: TrainSplit,
    settings: TrainingSettings,
    kind: StepKind,
    indices: tuple[torch.Tensor, torch.Tensor | None],
    seed: int = 0,
) -> FoldTraining:
    """Return a training; raises RuntimeError where "graph" is asked for and cannot be had."""
    task = FoldTask(
        train=indices[0],
        validation=indices[1],
        statistics=channel_statistics(data.images.cpu(), indices[0]),
        schedule=ConstantSchedule(candidate.optimizer.learning_rate),
        seed=seed,
    )
    build: StepBuilder = build_step if kind == "graph" else _eager
    training = FoldTraining(candidate, task, data, CLASSES, settings, build)
    if training.fallback is not None:
        raise RuntimeError(f"the step could not be recorded: {training.fallback}")
    return training


def _eager(learner: Learner, _train: torch.Tensor) -> TrainingStep:
    return EagerStep(learner)


def _normalized(data: TrainSplit, train: torch.Tensor) -> torch.Tensor:
    statistics = channel_statistics(data.images, train)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (statistics.mean, statistics.std))
    return ((data.images - mean) / std).float()


def _moved(loader: Iterable[list[torch.Tensor]], device: str) -> Iterator[Batch]:
    for images, labels in loader:
        yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
