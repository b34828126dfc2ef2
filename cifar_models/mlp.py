"""The multilayer perceptron; its defaults are the hand-tuned network."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from cifar_models.layers import ActivationName, build_activation, check_positive, check_rates


@final
@dataclass(frozen=True)
class MLPConfig:
    """Linear layers with optional batch norm, an activation and dropout after each hidden one.

    `dropouts` holds one rate per hidden layer. Raises ValueError naming the bad argument.
    """

    kind: Literal["mlp"] = "mlp"
    hidden_widths: tuple[int, ...] = (512, 256)
    activation: ActivationName = "relu"
    batch_norm: bool = True
    dropouts: tuple[float, ...] = (0.4, 0.4)

    def __post_init__(self) -> None:
        check_positive("hidden_widths", self.hidden_widths)
        check_rates("dropouts", self.dropouts)
        if len(self.dropouts) != len(self.hidden_widths):
            raise ValueError(
                f"dropouts needs one rate for each of the {len(self.hidden_widths)} hidden widths, "
                f"got {self.dropouts!r}"
            )


def build_mlp(
    config: MLPConfig, input_shape: tuple[int, int, int], num_classes: int
) -> nn.Sequential:
    """Return the network that maps (N, C, H, W) floats to (N, num_classes) logits."""
    return nn.Sequential(*_layers(config, math.prod(input_shape), num_classes))


def _layers(config: MLPConfig, width_in: int, num_classes: int) -> Iterator[nn.Module]:
    yield nn.Flatten()
    for width, dropout in zip(config.hidden_widths, config.dropouts, strict=True):
        yield nn.Linear(width_in, width)
        if config.batch_norm:
            yield nn.BatchNorm1d(width)
        yield build_activation(config.activation)
        yield nn.Dropout(dropout)
        width_in = width
    yield nn.Linear(width_in, num_classes)
