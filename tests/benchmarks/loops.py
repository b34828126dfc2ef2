"""The loops that a training is compared with, and ours, each as one epoch with validation."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import CIFAR10

from cifar_models import build_model
from search.data.dataset import TrainSplit, channel_statistics
from search.training.settings import Precision, TrainingSettings
from search.training.trainer import FoldTask, FoldTraining
from spaces import Candidate
from spaces.augmentation import find_augmentation
from spaces.schedules import ConstantSchedule

CLASSES = 10
Batch: TypeAlias = tuple[torch.Tensor, torch.Tensor]
Batches: TypeAlias = Iterable[Batch]


def make_data(n_images: int) -> TrainSplit:
    """Return random images of CIFAR-10's shape, a fifth of which will validate."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n_images, 3, 32, 32), generator=generator, dtype=torch.uint8)
    return TrainSplit(images, torch.randint(0, CLASSES, (n_images,), generator=generator))


def parts(data: TrainSplit) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the indices of the training and validation parts, 4 to 1."""
    n_train = len(data.labels) * 4 // 5
    return torch.arange(n_train), torch.arange(n_train, len(data.labels))


def report_loop(candidate: Candidate, data: TrainSplit) -> Callable[[], None]:
    """Return an epoch of the report's own loop: PIL images, ToTensor, Normalize, DataLoader."""
    train, validation = parts(data)
    statistics = channel_statistics(data.images, train)
    mean, std = ([value / 255 for value in one] for one in (statistics.mean, statistics.std))
    dataset = CIFAR10.__new__(CIFAR10)  # its own __getitem__, on our images
    dataset.data = np.ascontiguousarray(data.images.permute(0, 2, 3, 1).numpy())
    dataset.targets = data.labels.tolist()
    dataset.target_transform = None
    dataset.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    train_loader = DataLoader(Subset(dataset, train.tolist()), candidate.batch_size, shuffle=True)
    validation_loader = DataLoader(Subset(dataset, validation.tolist()), 1000)
    return plain_epoch(candidate, lambda: train_loader, lambda: validation_loader)


def resident_loop(candidate: Candidate, data: TrainSplit) -> Callable[[], None]:
    """Return an epoch of a plain loop on normalised float tensors held in memory."""
    train, validation = parts(data)
    statistics = channel_statistics(data.images, train)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (statistics.mean, statistics.std))
    images = ((data.images - mean) / std).float()

    def batches(indices: torch.Tensor, size: int) -> Iterator[Batch]:
        return ((images[one], data.labels[one]) for one in torch.split(indices, size))

    return plain_epoch(
        candidate,
        lambda: batches(train[torch.randperm(len(train))], candidate.batch_size),
        lambda: batches(validation, 1000),
    )


def plain_epoch(
    candidate: Candidate, training: Callable[[], Batches], validation: Callable[[], Batches]
) -> Callable[[], None]:
    """Return an epoch written as tutorials write it, in fp32."""
    model = build_model(candidate.model, (3, 32, 32), CLASSES)
    optimizer = plain_optimizer(candidate, model)
    criterion = nn.CrossEntropyLoss()

    def epoch() -> None:
        model.train()
        for images, labels in training():
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            loss.item()
        model.eval()
        with torch.no_grad():
            for images, labels in validation():
                outputs = model(images)
                criterion(outputs, labels).item()
                (outputs.argmax(1) == labels).sum().item()

    return epoch


def plain_optimizer(candidate: Candidate, model: nn.Module) -> Optimizer:
    """Return the candidate's optimizer as a tutorial would make it."""
    config, build = candidate.optimizer, cast("Any", candidate.optimizer.torch_class)
    optimizer: Optimizer = build(model.parameters(), lr=config.learning_rate, **config.arguments())
    return optimizer


def our_loop(candidate: Candidate, data: TrainSplit, precision: Precision) -> Callable[[], None]:
    """Return an epoch of this program's training."""
    training, epochs = our_training(candidate, data, precision), itertools.count(1)
    return lambda: void(training.run_epoch(next(epochs)))


def our_training(candidate: Candidate, data: TrainSplit, precision: Precision) -> FoldTraining:
    """Return this program's training, at a constant rate."""
    train, validation = parts(data)
    task = FoldTask(
        train=train,
        validation=validation,
        statistics=channel_statistics(data.images, train),
        schedule=ConstantSchedule(candidate.optimizer.learning_rate),
        seed=0,
    )
    return FoldTraining(candidate, task, data, CLASSES, TrainingSettings(1, precision=precision))


def augmentation_alone(candidate: Candidate, data: TrainSplit) -> Callable[[], None]:
    """Return the drawing and the gathers with which our epoch flips and crops its images."""
    train, _ = parts(data)
    batches = torch.split(train, candidate.batch_size)
    generator = torch.Generator().manual_seed(0)
    sizes, augmentation = [len(batch) for batch in batches], find_augmentation("flip_crop")

    def epoch() -> None:
        draws = augmentation.draw(sizes, [generator], data.images.device)
        for batch, drawn in zip(batches, draws, strict=True):
            augmentation.change_pixels(data.images.index_select(0, batch), drawn)

    return epoch


def void(_value: object) -> None:
    """Drop a value."""
