"""The losses that networks are trained with; validation always uses plain cross entropy."""

import inspect
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeAlias, final

import torch
from optuna.trial import BaseTrial
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from cifar_models.family import write_number
from spaces.registered import NamedConfig, suggest_kind

ClassWeights: TypeAlias = Literal["none", "balanced"]
"""How much the classes count.

Attributes:
    none: Every image counts alike.
    balanced: Every class counts alike: an image by the inverse of its class's frequency.
"""


class LossConfig(NamedConfig):
    """The settings of one loss."""

    @abstractmethod
    def mean(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None, label_smoothing: float
    ) -> Tensor:
        """Return the mean loss () of a batch.

        Args:
            logits: float32 (N, classes).
            targets: Labels, int64 (N,), or probabilities of the classes, float32 (N, classes).
            weights: How much each class counts, float32 (classes,); None: all alike. The mean is
                over the N images, as torch's for probabilities, not over their weights: a batch of
                frequent classes counts for less than one of rare ones.
            label_smoothing: The share of a target that is spread evenly over all classes.
        """

    @abstractmethod
    def settings(self) -> Iterator[str]:
        """Yield, in words, what is not usual about it."""

    @abstractmethod
    def script(self) -> tuple[str, str]:
        """Return a function to define in an exported script, and the call of it.

        The call's arguments are `logits`, probabilities `targets`, `weights` (None without) and
        `smoothing`.
        """


def probabilities(targets: Tensor, n_classes: int) -> Tensor:
    """Return float32 (N, classes): 1 for an image's label; probabilities as they are."""
    if targets.dim() == 2:
        return targets
    return (targets[:, None] == torch.arange(n_classes, device=targets.device)).float()


@final
class CrossEntropy(LossConfig):
    """Cross entropy, in nats."""

    words: ClassVar[str] = "cross entropy"

    name: Literal["cross_entropy"] = "cross_entropy"

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:  # noqa: ARG003
        return cls()

    def mean(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None, label_smoothing: float
    ) -> Tensor:
        if weights is not None:  # of labels, torch would divide by the sum of their weights
            targets = probabilities(targets, logits.shape[1])
        return cross_entropy(logits, targets, weights, label_smoothing=label_smoothing)

    def settings(self) -> Iterator[str]:
        yield from ()

    def script(self) -> tuple[str, str]:
        return "", "cross_entropy(logits, targets, weights, label_smoothing=smoothing)"


# Exported scripts contain the function word for word: lines have at most 88 characters.
def focal_loss(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor | None,
    smoothing: float,
    gamma: float,
) -> Tensor:
    """Return the mean focal loss of targets, which are probabilities (N, classes)."""
    log_p = logits.log_softmax(1)
    tiny = torch.finfo(log_p.dtype).tiny  # zero to a small power has no derivative
    missing = (-torch.expm1(log_p)).clamp(min=tiny)
    smooth = (1 - smoothing) * targets + smoothing / targets.shape[1]
    weighted = smooth if weights is None else smooth * weights
    return torch.mean(-(weighted * missing**gamma * log_p).sum(1))


@final
class FocalLoss(LossConfig):
    """Cross entropy in which what the network is sure of counts little (Lin et al., 2017).

    The term of a class with probability p is multiplied by (1 - p) ** gamma.
    """

    words: ClassVar[str] = "focal loss"

    name: Literal["focal"] = "focal"
    gamma: float = Field(2.0, gt=0, le=10)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(gamma=trial.suggest_float("focal_gamma", 0.5, 5.0))

    def mean(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None, label_smoothing: float
    ) -> Tensor:
        soft = probabilities(targets, logits.shape[1])
        return focal_loss(logits, soft, weights, label_smoothing, self.gamma)

    def settings(self) -> Iterator[str]:
        yield f"{self.words} (gamma {write_number(self.gamma)})"

    def script(self) -> tuple[str, str]:
        call = f"focal_loss(logits, targets, weights, smoothing, {self.gamma})"
        return inspect.getsource(focal_loss), call


LOSSES: tuple[type[LossConfig], ...] = (CrossEntropy, FocalLoss)
"""Every loss that a candidate may have."""


def suggest_loss(trial: BaseTrial, among: Sequence[type[LossConfig]] = LOSSES) -> LossConfig:
    """Return one of the losses."""
    return suggest_kind(trial, "loss", among)


# Exported scripts contain the function word for word: lines have at most 88 characters.
def balanced_weights(labels: Tensor, n_classes: int) -> Tensor:
    """Return the weight of each class (classes,), whose mean over the images is 1.

    It is the inverse of the class's frequency, as scikit-learn's "balanced" weights
    are; that of a class without images is 0.
    """
    counts = labels.bincount(minlength=n_classes).float()
    weights = len(labels) / ((counts > 0).sum() * counts)
    return torch.where(counts > 0, weights, 0)


def balanced_weights_code() -> str:
    """Return the code of `balanced_weights`, for an exported script."""
    return inspect.getsource(balanced_weights)


@final
@dataclass(frozen=True, eq=False)
class TrainingLoss:
    """The loss of one training.

    Attributes:
        config: Its settings.
        weights: How much each class counts, float32 (classes,); None: all alike.
        label_smoothing: The share of a target that is spread evenly over all classes.
    """

    config: LossConfig
    weights: Tensor | None
    label_smoothing: float

    @property
    def is_plain(self) -> bool:
        """Whether it is cross entropy and nothing else."""
        plain = isinstance(self.config, CrossEntropy) and self.weights is None
        return plain and not self.label_smoothing

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss () of a batch; arguments are those of `LossConfig.mean`."""
        return self.config.mean(logits, targets, self.weights, self.label_smoothing)


def class_weights(kind: ClassWeights, labels: Tensor, n_classes: int) -> Tensor | None:
    """Return the weights of the classes, float32 (classes,), or None if all count alike.

    `labels`, int64 (N,), must be those of the images that are trained on, and no others.
    """
    match kind:
        case "none":
            return None
        case "balanced":
            return balanced_weights(labels, n_classes)
    raise ValueError(f"class_weights must be none or balanced, got {kind!r}")
