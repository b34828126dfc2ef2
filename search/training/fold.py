"""One network in training: a fold of a trial, or the refit on all of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from cifar_models import build_model
from search.data.dataset import TrainSplit
from search.data.statistics import ChannelStatistics
from search.seeding import derive_seed
from search.training.augmentation import augment
from search.training.evaluation import Normalizer, Sums, evaluate
from search.training.history import FoldEpoch
from search.training.optimizers import build_optimizer, set_learning_rate
from search.training.schedules import Schedule
from search.training.settings import TrainingSettings
from search.training.twins import evaluation_twin, training_twin
from spaces.candidate import Candidate


@final
@dataclass(frozen=True)
class FoldTask:
    """What one network learns from and is judged by.

    Indices are int64 tensors into the training split; `validation` None means a refit.
    `seed` decides initialisation, data order, augmentation and dropout.
    """

    train: torch.Tensor
    validation: torch.Tensor | None
    statistics: ChannelStatistics
    schedule: Schedule
    seed: int


@final
class FoldTraining:
    """A network with its optimizer and schedule, advanced by whole epochs.

    All randomness of an epoch is derived from the task's seed and the epoch's number, so that
    an epoch depends on nothing but the state it starts from.
    """

    def __init__(
        self,
        candidate: Candidate,
        task: FoldTask,
        data: TrainSplit,
        num_classes: int,
        settings: TrainingSettings,
    ) -> None:
        self._candidate, self._task, self._data, self._settings = candidate, task, data, settings
        self._schedule = task.schedule
        _, channels, height, width = data.images.shape
        with seeded(derive_seed(task.seed, "init"), settings.device):
            model = build_model(candidate.model, (channels, height, width), num_classes)
        self.model: nn.Sequential = model.to(memory_format=torch.channels_last).to(settings.device)
        self._optimizer = build_optimizer(candidate.optimizer, self.model.parameters())
        self._twin = training_twin(self.model)
        self._normalize = Normalizer(task.statistics, settings.device)

    def run_epoch(self, epoch: int) -> FoldEpoch:
        """Train one epoch (counted from 1), then validate; returns the epoch's figures."""
        start = time.perf_counter()
        with seeded(derive_seed(self._task.seed, "dropout", epoch), self._settings.device):
            rate, trained = self._train(epoch)
        validated = self._validate()
        if validated is not None:
            self._schedule = self._schedule.after(validated.mean_loss())
        return FoldEpoch(
            train_loss=trained.mean_loss(),
            train_accuracy=trained.accuracy(),
            validation_loss=validated.mean_loss() if validated else None,
            validation_accuracy=validated.accuracy() if validated else None,
            learning_rate=rate,
            seconds=time.perf_counter() - start,
        )

    def _train(self, epoch: int) -> tuple[float, Sums]:
        batches = list(self._batches(epoch))
        rates = self._schedule.rates(epoch, len(batches))
        augmentation = generator(derive_seed(self._task.seed, "augmentation", epoch))
        sums = Sums(self._settings.device)
        self._twin.train()
        for indices, rate in zip(batches, rates, strict=True):
            images = augment(self._data.images[indices], self._candidate.augmentation, augmentation)
            set_learning_rate(self._optimizer, rate)
            self._step(self._normalize(images), self._data.labels[indices], sums)
        return rates[0], sums

    def _step(self, images: torch.Tensor, labels: torch.Tensor, sums: Sums) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        logits = self._settings.forward(self._twin, images)
        loss = cross_entropy(logits, labels, label_smoothing=self._candidate.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._candidate.gradient_clip is not None:
            clip_grad_norm_(self.model.parameters(), self._candidate.gradient_clip)
        self._optimizer.step()
        sums.add(loss.detach(), logits.detach(), labels)

    def _batches(self, epoch: int) -> Iterator[torch.Tensor]:
        """Yield the epoch's batches of indices, in the order its seed draws.

        The last batch may be smaller; one of a single image is left out for this epoch, as
        batch norm has no statistics of one image.
        """
        shuffle = generator(derive_seed(self._task.seed, "order", epoch))
        order = self._task.train[torch.randperm(len(self._task.train), generator=shuffle)]
        for batch in torch.split(order, self._candidate.batch_size):
            if len(batch) > 1:
                yield batch.to(self._data.images.device)

    def _validate(self) -> Sums | None:
        if self._task.validation is None:
            return None
        twin = evaluation_twin(self.model)
        return evaluate(twin, self._data, self._task.validation, self._normalize, self._settings)


def generator(seed: int) -> torch.Generator:
    """Return a seeded generator on the CPU."""
    return torch.Generator().manual_seed(seed)


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed torch's global generators, those of `device` and the CPU, for the block alone."""
    gpus = [device] if device.startswith("cuda") else []  # by default it would wake every GPU
    with torch.random.fork_rng(gpus):
        torch.manual_seed(seed)
        yield
