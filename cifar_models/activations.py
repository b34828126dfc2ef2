"""Activations by name."""

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
