"""One step of training: a batch through the network, and the weights after it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from search.data.dataset import TrainSplit
from search.training.evaluation import MetricAccumulator, Normalizer
from search.training.settings import TrainingSettings
from spaces.augmentation import find_augmentation
from spaces.candidate import Candidate


@final
@dataclass(frozen=True)
class Batch:
    """The images of one step, and its learning rate.

    `indices` is int64 (N,), into the training split; `draws` are those of the augmentation (see
    `Augmentation.draw`). Both live on the split's device.
    """

    indices: torch.Tensor
    draws: torch.Tensor | None
    learning_rate: float


@final
@dataclass(frozen=True)
class Learner:
    """A network with all that a step of it needs; `learn` expects it in training mode."""

    candidate: Candidate
    network: nn.Module
    optimizer: torch.optim.Optimizer
    data: TrainSplit
    normalize: Normalizer
    settings: TrainingSettings
    metrics: MetricAccumulator

    def learn(self, indices: torch.Tensor, draws: torch.Tensor | None) -> None:
        """Take one step on the images at `indices`, augmented as drawn.

        Nothing is read back from the device, and of the tensors that outlive the step only the
        gradients are replaced: so the step can be captured and replayed.
        """
        chosen = self.data.images.index_select(0, indices)
        images = find_augmentation(self.candidate.augmentation).apply(chosen, draws)
        labels = self.data.labels.index_select(0, indices)
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.settings.forward(self.network, self.normalize(images))
        loss = cross_entropy(logits, labels, label_smoothing=self.candidate.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.candidate.gradient_clip is not None:
            clip_grad_norm_(self.network.parameters(), self.candidate.gradient_clip)
        self.optimizer.step()
        self.metrics.add(loss.detach(), logits.detach(), labels)


class TrainingStep(ABC):
    """How the steps of one training are carried out; the learner is the same for all."""

    @property
    @abstractmethod
    def fallback(self) -> str | None:
        """Return why steps are not captured although they should be; None if they need not be."""

    @abstractmethod
    def run(self, batch: Batch) -> None:
        """Take one step."""


@final
class EagerStep(TrainingStep):
    """Every operation is launched by itself."""

    def __init__(self, learner: Learner, fallback: str | None = None) -> None:
        self._learner, self._fallback = learner, fallback

    @property
    def fallback(self) -> str | None:
        """Return the reason given."""
        return self._fallback

    def run(self, batch: Batch) -> None:
        """Take one step, on a batch of any size."""
        for group in self._learner.optimizer.param_groups:
            group["lr"] = batch.learning_rate
        self._learner.learn(batch.indices, batch.draws)


StepBuilder: TypeAlias = Callable[[Learner, torch.Tensor], TrainingStep]
"""From a learner and the indices that it learns from, int64 (N,), to its step."""
