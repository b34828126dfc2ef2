"""The multilayer perceptron; its defaults are the hand-tuned network."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from cifar_models.family import (
    ModelConfig,
    check_positive,
    check_rates,
    find_activation,
    write_count,
    write_dropout,
    write_numbers,
)


@final
@dataclass(frozen=True)
class MLPConfig(ModelConfig):
    """Linear layers with optional batch norm, an activation and dropout after each hidden one.

    `dropouts` holds one rate per hidden layer. Raises ValueError naming the bad argument.
    """

    kind: Literal["mlp"] = "mlp"
    hidden_widths: tuple[int, ...] = (512, 256)
    activation: str = "relu"
    batch_norm: bool = True
    dropouts: tuple[float, ...] = (0.4, 0.4)

    def __post_init__(self) -> None:
        check_positive("hidden_widths", self.hidden_widths)
        check_rates("dropouts", self.dropouts)
        find_activation(self.activation)
        if len(self.dropouts) != len(self.hidden_widths):
            raise ValueError(
                f"dropouts needs one rate for each of the {len(self.hidden_widths)} hidden widths, "
                f"got {self.dropouts!r}"
            )

    @property
    def depth(self) -> int:
        """The linear layers."""
        return len(self.hidden_widths) + 1

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Sequential:
        return nn.Sequential(*self._layers(math.prod(input_shape), num_classes))

    def _layers(self, width_in: int, num_classes: int) -> Iterator[nn.Module]:
        yield nn.Flatten()
        for width, dropout in zip(self.hidden_widths, self.dropouts, strict=True):
            yield nn.Linear(width_in, width)
            if self.batch_norm:
                yield nn.BatchNorm1d(width)
            yield find_activation(self.activation).build()
            yield nn.Dropout(dropout)
            width_in = width
        yield nn.Linear(width_in, num_classes)

    def describe(self) -> str:
        norm = "batch norm" if self.batch_norm else "no batch norm"
        return (
            f"{write_count(self.depth, 'linear layer')} with hidden widths "
            f"{write_numbers(self.hidden_widths)} ({norm}, "
            f"{find_activation(self.activation).words}, {write_dropout(self.dropouts)})"
        )

    def keywords(self) -> str:
        return f"{self.kind} {'-'.join(map(str, self.hidden_widths))} {self.activation}"
