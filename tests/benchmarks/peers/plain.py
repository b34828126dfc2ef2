"""One training as users write it: a dataset of PIL images, transforms, a DataLoader, fp32.

The peers that leave the loop to the user (Optuna, Ray Tune) and the hand-tuned baseline share it.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, cast, final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from cifar_models import build_model
from spaces import Candidate, CosineConfig, OneCycleConfig, PlateauConfig
from tests.benchmarks.peers.task import Arrays

EVALUATION_BATCH = 1000
Loader: TypeAlias = DataLoader[Any]  # batches are not of the type of items


@final
class Images(Dataset[tuple[torch.Tensor, int]]):
    """Arrays in memory, an item at a time as torchvision's CIFAR10 gives it."""

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int64],
        transform: Callable[[Image.Image], torch.Tensor],
    ) -> None:
        self._images, self._labels, self._transform = images, labels, transform

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self._transform(Image.fromarray(self._images[index])), int(self._labels[index])


def preset(candidate: Candidate) -> str:
    """Return the name of the candidate's augmentation; raises TypeError for other than presets."""
    if not isinstance(candidate.augmentation, str):
        raise TypeError(f"augmentation must be a preset, got {candidate.augmentation!r}")
    return candidate.augmentation


def build_transform(name: str, arrays: Arrays) -> Any:
    """Return torchvision's transforms for the augmentation, ToTensor and Normalize."""
    _, height, width = arrays.input_shape
    steps: list[Any] = []
    if name == "flip_crop":
        steps.append(transforms.RandomCrop((height, width), padding=4))
    if name != "none":
        steps.append(transforms.RandomHorizontalFlip())
    normalize = transforms.Normalize(arrays.mean, arrays.std)
    return transforms.Compose([*steps, transforms.ToTensor(), normalize])


def training_images(arrays: Arrays, candidate: Candidate) -> Images:
    """Return the training part."""
    transform = build_transform(preset(candidate), arrays)
    return Images(arrays.images[arrays.train], arrays.labels[arrays.train], transform)


def validation_images(arrays: Arrays) -> Images:
    """Return the validation part."""
    transform = build_transform("none", arrays)
    return Images(arrays.images[arrays.validation], arrays.labels[arrays.validation], transform)


def build_optimizer(candidate: Candidate, model: nn.Module) -> Optimizer:
    """Return the candidate's optimizer with torch's defaults."""
    config, build = candidate.optimizer, cast("Any", candidate.optimizer.torch_class)
    optimizer: Optimizer = build(model.parameters(), lr=config.learning_rate, **config.arguments())
    return optimizer


def build_step_schedule(
    candidate: Candidate, optimizer: Optimizer, total_steps: int
) -> LRScheduler | None:
    """Return the schedule that is stepped after every batch, if the candidate has such a one."""
    match candidate.schedule:
        case CosineConfig():
            return CosineAnnealingLR(optimizer, total_steps)
        case OneCycleConfig(warmup=warmup):
            rate = candidate.optimizer.learning_rate
            return OneCycleLR(optimizer, rate, total_steps, pct_start=warmup, cycle_momentum=False)
        case _:
            return None


def train(candidate: Candidate, arrays: Arrays, epochs: int, seed: int) -> Iterator[float]:
    """Train at most `epochs` epochs; yield the validation accuracy after each.

    Ends early where the loss is not finite any more, as nothing can come of it.
    """
    torch.manual_seed(seed)
    loader: Loader = DataLoader(
        training_images(arrays, candidate), candidate.batch_size, shuffle=True
    )
    validation: Loader = DataLoader(validation_images(arrays), EVALUATION_BATCH)
    model = build_model(candidate.model, arrays.input_shape, arrays.n_classes)
    optimizer = build_optimizer(candidate, model)
    steps = build_step_schedule(candidate, optimizer, epochs * len(loader))
    plateau = _plateau(candidate, optimizer)
    for _ in range(epochs):
        _train_epoch(model, loader, optimizer, steps, candidate.label_smoothing)
        loss, accuracy = _evaluate(model, validation)
        yield accuracy
        if not math.isfinite(loss):
            return
        if plateau is not None:
            plateau.step(loss)


def _plateau(candidate: Candidate, optimizer: Optimizer) -> ReduceLROnPlateau | None:
    config = candidate.schedule
    if not isinstance(config, PlateauConfig):
        return None
    return ReduceLROnPlateau(optimizer, "min", config.factor, config.patience)


def _train_epoch(
    model: nn.Module,
    loader: Loader,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    label_smoothing: float,
) -> None:
    criterion = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
    model.train()
    for images, labels in loader:
        optimizer.zero_grad()
        criterion(model(images), labels).backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()


@torch.no_grad()
def _evaluate(model: nn.Module, loader: Loader) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    model.eval()
    loss, correct, seen = 0.0, 0, 0
    for images, labels in loader:
        logits = model(images)
        loss += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
        correct += int((logits.argmax(1) == labels).sum())
        seen += len(labels)
    return loss / seen, correct / seen
