"""Activations by name, and the checks that network configurations share."""

from collections.abc import Sequence
from typing import Literal

from torch import nn

ActivationName = Literal["relu", "leaky_relu", "gelu", "silu", "elu"]


def build_activation(name: ActivationName) -> nn.Module:
    """Return a new activation module."""
    match name:
        case "relu":
            return nn.ReLU()
        case "leaky_relu":
            return nn.LeakyReLU(0.1)
        case "gelu":
            return nn.GELU()
        case "silu":
            return nn.SiLU()
        case "elu":
            return nn.ELU()
    raise ValueError(f"activation must be relu, leaky_relu, gelu, silu or elu, got {name!r}")


def check_positive(name: str, values: Sequence[int]) -> None:
    """Raise ValueError unless every value is an integer of at least 1."""
    if not values or any(value < 1 for value in values):
        raise ValueError(f"{name} must be positive integers, got {values!r}")


def check_rates(name: str, values: Sequence[float]) -> None:
    """Raise ValueError unless every value is a dropout rate in [0, 1)."""
    if any(not 0 <= value < 1 for value in values):
        raise ValueError(f"{name} must be at least 0 and below 1, got {values!r}")
