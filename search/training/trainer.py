"""Training of one network, and of several in lockstep, epoch by epoch."""

import copy
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, final

import torch
from torch import nn

from cifar_models import build_model
from search.data.dataset import ChannelStatistics, TrainSplit
from search.metric import ACCURACY, Metric
from search.seeding import derive_seed
from search.training.evaluation import (
    MetricAccumulator,
    Normalizer,
    evaluate,
    inference_milliseconds,
    normalization_of,
    with_test_time_augmentation,
)
from search.training.fused import fuse_for_inference, fuse_for_training
from search.training.history import FoldEpoch
from search.training.settings import TrainingSettings
from search.training.steps import Batch, Learner, StepBuilder, build_step
from spaces.augmentation import find_augmentation
from spaces.candidate import Candidate
from spaces.losses import TrainingLoss, class_weights
from spaces.schedules import Schedule


@final
@dataclass(frozen=True)
class FoldTask:
    """What one network is trained and validated on.

    Attributes:
        train: Indices into the training split, int64 (N,).
        validation: Indices to validate on, int64 (M,); None for a refit.
        statistics: How images are normalized, unless the network has a way of its own.
        schedule: The learning rates.
        seed: Decides initialization, data order, augmentation and dropout.
    """

    train: torch.Tensor
    validation: torch.Tensor | None
    statistics: ChannelStatistics
    schedule: Schedule
    seed: int


@final
@dataclass(frozen=True, eq=False)
class FoldState:
    """What a training needs to resume after the epochs of its history: torch's state dicts.

    Random states and the schedule are not stored: they follow from the epoch's number and the
    history's losses. Both dicts are empty for a training that has ended, because only its history
    and its predictions will be read.

    Attributes:
        predictions: Probabilities of the validation images after each epoch, float16
            (epochs, N, classes); empty if they are not kept.
    """

    history: tuple[FoldEpoch, ...]
    model: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    predictions: torch.Tensor = field(default_factory=lambda: torch.empty(0))

    def copied(self) -> Self:
        """Return a copy that further training does not change."""
        return copy.deepcopy(self)

    def of_ended(self) -> "FoldState":
        """Return what is read of a training that has ended."""
        return FoldState(self.history, predictions=self.predictions)


@final
class FoldTraining:
    """A network with its optimizer and schedule, advanced by whole epochs.

    All randomness of an epoch is derived from the task's seed and the epoch's number, so an epoch
    depends only on the state that it starts from: `resume`, or a new network.
    """

    def __init__(
        self,
        candidate: Candidate,
        task: FoldTask,
        data: TrainSplit,
        num_classes: int,
        settings: TrainingSettings,
        build: StepBuilder = build_step,
        resume: FoldState | None = None,
        metric: Metric = ACCURACY,
        *,
        keeps_predictions: bool = False,
    ) -> None:
        self._candidate, self._task, self._data, self._settings = candidate, task, data, settings
        self._n_classes, self._metric = num_classes, metric
        self._history = [] if resume is None else list(resume.history)
        kept = [] if resume is None else list(resume.predictions)
        self._keeps_predictions = keeps_predictions and len(kept) == len(self._history)
        self._predictions: list[torch.Tensor] = kept if self._keeps_predictions else []
        self._schedule = _schedule_after(task.schedule, self._history)
        _, channels, height, width = data.images.shape
        with seeded(derive_seed(task.seed, "init"), settings.device):
            model = build_model(candidate.model, (channels, height, width), num_classes)
            if resume is None:
                candidate.model.load_inputs(model)
        self.model: nn.Module = model.to(memory_format=torch.channels_last).to(settings.device)
        optimizer = candidate.optimizer.build(candidate.model.parameter_groups(self.model))
        if resume is not None and resume.model:
            self.model.load_state_dict(resume.model)
            optimizer.load_state_dict(resume.optimizer)
        self._normalize = Normalizer(
            normalization_of(candidate.model, task.statistics), settings.device
        )
        self._metrics = MetricAccumulator(settings.device, settings.mean_over)
        self._learner = Learner(
            candidate=candidate,
            network=fuse_for_training(self.model),
            optimizer=optimizer,
            data=data,
            normalize=self._normalize,
            settings=settings,
            metrics=self._metrics,
            augmentation=find_augmentation(candidate.augmentation),
            loss=self._loss(),
            n_classes=num_classes,
        )
        self._step = build(self._learner, task.train)

    @property
    def fallback(self) -> str | None:
        """Return why the steps are not captured on a device where they should be, or None."""
        return self._step.fallback

    def state(self) -> FoldState:
        """Return the state after the last epoch; it shares its tensors with the training."""
        optimizer = self._learner.optimizer.state_dict()
        kept, history = self.predictions(), tuple(self._history)
        predictions = torch.empty(0) if kept is None else kept
        return FoldState(history, self.model.state_dict(), optimizer, predictions)

    def predictions(self) -> torch.Tensor | None:
        """Return the validation images' probabilities after each epoch, if they were kept.

        They are float16 (epochs, N, classes).
        """
        return torch.stack(self._predictions) if self._predictions else None

    def latency(self) -> float:
        """Return the milliseconds that the network takes for one image, as it is used: the median.

        It is measured on this machine, as busy as it is.
        """
        network = with_test_time_augmentation(fuse_for_inference(self.model), self._candidate)
        return inference_milliseconds(network, self._data, self._normalize, self._settings)

    def run_epoch(self, epoch: int) -> FoldEpoch:
        """Train one epoch (counted from 1), then validate; returns the epoch's figures.

        Epochs that are already in the history are returned from there.
        """
        if epoch <= len(self._history):
            return self._history[epoch - 1]
        figures = self._run_epoch(epoch)
        self._history.append(figures)
        return figures

    def _run_epoch(self, epoch: int) -> FoldEpoch:
        start = time.perf_counter()
        with seeded(derive_seed(self._task.seed, "dropout", epoch), self._settings.device):
            rate = self._train(epoch)
        validated = self._validate()
        if validated is not None:
            self._schedule = self._schedule.after(validated.mean_loss())
            if self._keeps_predictions:
                self._predictions.append(validated.probabilities().half().cpu())
        return FoldEpoch(
            train_loss=self._metrics.mean_loss(),
            train_accuracy=self._metrics.accuracy(),
            train_cross_entropy=self._metrics.mean_cross_entropy(),
            validation_loss=validated.mean_loss() if validated else None,
            validation_accuracy=validated.accuracy() if validated else None,
            learning_rate=rate,
            seconds=time.perf_counter() - start,
            confusion=validated.confusion() if validated else None,
            measures=validated.measures() if validated else {},
        )

    def _train(self, epoch: int) -> float:
        """Take the epoch's steps; returns the learning rate of the first."""
        batches = self._batches(epoch)
        self._metrics.reset(sum(len(batch.indices) for batch in batches), len(batches))
        self._learner.network.train()
        for batch in batches:
            self._step.run(batch)
        return batches[0].learning_rate

    def _batches(self, epoch: int) -> list[Batch]:
        """Return the epoch's batches.

        The last batch may be smaller; if it is a single image, it is left out, because batch norm
        has no statistics of one image.
        """
        device, seed = self._data.images.device, self._task.seed
        shuffle = generator(derive_seed(seed, "order", epoch))
        order = self._task.train[torch.randperm(len(self._task.train), generator=shuffle)]
        parts = torch.split(order.to(device), self._candidate.batch_size)
        indices = [part for part in parts if len(part) > 1]
        augmentation = self._learner.augmentation
        paths = ((epoch, *([place] if place else [])) for place in range(len(augmentation.steps)))
        generators = [generator(derive_seed(seed, "augmentation", *path)) for path in paths]
        draws = augmentation.draw([len(part) for part in indices], generators, device)
        rates = self._schedule.rates(epoch, len(indices))
        return [Batch(*batch) for batch in zip(indices, draws, rates, strict=True)]

    def _loss(self) -> TrainingLoss:
        """Return the loss, whose weights know the labels of this fold's training part only."""
        candidate, labels = self._candidate, self._data.labels
        own = labels.index_select(0, self._task.train.to(labels.device))
        weights = class_weights(candidate.class_weights, own, self._n_classes)
        return TrainingLoss(candidate.loss, weights, candidate.label_smoothing)

    def _validate(self) -> MetricAccumulator | None:
        if self._task.validation is None:
            return None
        network = with_test_time_augmentation(fuse_for_inference(self.model), self._candidate)
        images = self._data, self._task.validation, self._normalize
        return evaluate(
            network,
            *images,
            self._settings,
            self._n_classes,
            self._metric,
            keeps_logits=self._keeps_predictions,
        )


def _schedule_after(schedule: Schedule, history: Iterable[FoldEpoch]) -> Schedule:
    for epoch in history:
        if epoch.validation_loss is not None:
            schedule = schedule.after(epoch.validation_loss)
    return schedule


def generator(seed: int) -> torch.Generator:
    """Return a seeded generator on the CPU."""
    return torch.Generator().manual_seed(seed)


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed torch's global generators of the CPU and `device` within the block."""
    gpus = [device] if device.startswith("cuda") else []  # by default it would wake every GPU
    # torch.manual_seed notes a stack trace for each kind of GPU, whether there is one or not.
    seed_generators = torch.manual_seed if gpus else torch.default_generator.manual_seed
    with torch.random.fork_rng(gpus):
        seed_generators(seed)
        yield


def run_epochs(folds: Sequence[FoldTraining], epochs: int) -> Iterator[tuple[FoldEpoch, ...]]:
    """Yield, epoch after epoch, the figures of every fold.

    It ends after `epochs` epochs, after an epoch in which a fold diverged (see `diverged`), or when
    the caller takes no further epoch.
    """
    for epoch in range(1, epochs + 1):
        figures = tuple(fold.run_epoch(epoch) for fold in folds)
        yield figures
        if diverged(figures):
            return


def diverged(figures: Sequence[FoldEpoch]) -> bool:
    """Return whether a loss of any fold is infinite or not a number."""
    losses = [loss for fold in figures for loss in (fold.train_loss, fold.validation_loss)]
    return any(loss is not None and not math.isfinite(loss) for loss in losses)
