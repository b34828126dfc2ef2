"""The optimizers, each with its settings, suggestion, words, memory, and torch's class."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, final

import torch
from optuna.trial import BaseTrial
from pydantic import Field

from cifar_models.family import write_number, write_numbers
from spaces.registered import NamedConfig, suggest_kind, suggest_name

__all__ = [
    "OPTIMIZERS",
    "AdamConfig",
    "AdamWConfig",
    "OptimizerConfig",
    "SGDConfig",
    "suggest_name",  # where user spaces of version 0.1 import it from
    "suggest_optimizer",
]


class OptimizerConfig(NamedConfig):
    """One optimizer of torch with its settings.

    `implementation` contains the arguments that select torch's fastest implementation.
    """

    torch_class: ClassVar[type[torch.optim.Optimizer]]
    implementation: ClassVar[Mapping[str, bool]] = {"fused": True}  # one kernel per step

    learning_rate: float = Field(gt=0)

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of torch's class, without the learning rate and without defaults."""

    @abstractmethod
    def settings(self) -> Iterator[str]:
        """Yield, in words, each setting that is on, except for the learning rate."""

    @abstractmethod
    def state_size(self) -> int:
        """Return how many values the optimizer stores per parameter of the network."""

    def build(
        self, parameters: Iterable[torch.nn.Parameter | Mapping[str, Any]]
    ) -> torch.optim.Optimizer:
        """Return torch's optimizer for these parameters, or groups of them."""
        build: Any = self.torch_class
        optimizer: torch.optim.Optimizer = build(
            parameters, lr=self.learning_rate, **self.arguments(), **self.implementation
        )
        return optimizer


def _weight_decay(value: float) -> Iterator[str]:
    if value:
        yield f"weight decay {write_number(value)}"


@final
class SGDConfig(OptimizerConfig):
    """Stochastic gradient descent with (Nesterov) momentum and L2 weight decay."""

    words: ClassVar[str] = "SGD"
    torch_class: ClassVar[type[torch.optim.Optimizer]] = torch.optim.SGD

    name: Literal["sgd"] = "sgd"
    learning_rate: float = Field(0.01, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(0.0, ge=0)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(
            learning_rate=trial.suggest_float("sgd_lr", 1e-3, 0.3, log=True),
            momentum=trial.suggest_float("sgd_momentum", 0.8, 0.98),
            nesterov=trial.suggest_categorical("sgd_nesterov", (False, True)),
            weight_decay=trial.suggest_float("sgd_weight_decay", 1e-6, 1e-2, log=True),
        )

    def arguments(self) -> dict[str, Any]:
        nesterov = {"nesterov": True} if self.nesterov else {}
        return {"momentum": self.momentum, **nesterov, "weight_decay": self.weight_decay}

    def settings(self) -> Iterator[str]:
        if self.momentum:
            kind = "Nesterov momentum" if self.nesterov else "momentum"
            yield f"{kind} {write_number(self.momentum)}"
        yield from _weight_decay(self.weight_decay)

    def state_size(self) -> int:
        """Return 1 for the momentum, 0 without."""
        return 1 if self.momentum else 0


class _AdamFamily(OptimizerConfig):
    """What Adam and AdamW share: moments of the gradient and of its square."""

    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(ge=0)

    def arguments(self) -> dict[str, Any]:
        return {"betas": self.betas, "weight_decay": self.weight_decay}

    def settings(self) -> Iterator[str]:
        if self.betas != (0.9, 0.999):
            yield f"betas {write_numbers(self.betas)}"
        yield from _weight_decay(self.weight_decay)

    def state_size(self) -> int:
        return 2


@final
class AdamConfig(_AdamFamily):
    """Adam with L2 weight decay added to the gradient, as torch.optim.Adam does."""

    words: ClassVar[str] = "Adam"
    torch_class: ClassVar[type[torch.optim.Optimizer]] = torch.optim.Adam

    name: Literal["adam"] = "adam"
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.0, ge=0)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(
            learning_rate=trial.suggest_float("adam_lr", 1e-4, 1e-2, log=True),
            weight_decay=trial.suggest_float("adam_weight_decay", 1e-8, 1e-3, log=True),
        )


@final
class AdamWConfig(_AdamFamily):
    """Adam with decoupled weight decay."""

    words: ClassVar[str] = "AdamW"
    torch_class: ClassVar[type[torch.optim.Optimizer]] = torch.optim.AdamW

    name: Literal["adamw"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(
            learning_rate=trial.suggest_float("adamw_lr", 1e-4, 2e-2, log=True),
            weight_decay=trial.suggest_float("adamw_weight_decay", 1e-4, 0.5, log=True),
        )


OPTIMIZERS: tuple[type[OptimizerConfig], ...] = (SGDConfig, AdamConfig, AdamWConfig)
"""Every optimizer that a candidate may have."""


def suggest_optimizer(
    trial: BaseTrial, among: Sequence[type[OptimizerConfig]] = OPTIMIZERS
) -> OptimizerConfig:
    """Return a suggested optimizer.

    Each has its own parameters, because a learning rate or a weight decay that is good for one is
    poor for another.
    """
    return suggest_kind(trial, "optimizer", among)
