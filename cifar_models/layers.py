"""Activations, how named choices are looked up, and the checks that configurations share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar, final

from torch import nn


class Choice(Protocol):
    """One entry of a registry; configurations refer to it by `name`."""

    @property
    def name(self) -> str:
        """How a configuration spells it."""


_Choice = TypeVar("_Choice", bound=Choice)


def find_choice(setting: str, name: str, registry: Sequence[_Choice]) -> _Choice:
    """Return the entry of that name; raises ValueError naming the setting and what it accepts."""
    for choice in registry:
        if choice.name == name:
            return choice
    accepted = ", ".join(choice.name for choice in registry)
    raise ValueError(f"{setting} must be one of {accepted}, got {name!r}")


@final
@dataclass(frozen=True)
class Activation:
    """An activation function; `words` name it in a sentence."""

    name: str
    words: str
    build: Callable[[], nn.Module]


ACTIVATIONS = (
    Activation("relu", "ReLU", nn.ReLU),
    Activation("leaky_relu", "leaky ReLU", partial(nn.LeakyReLU, 0.1)),
    Activation("gelu", "GELU", nn.GELU),
    Activation("silu", "SiLU", nn.SiLU),
    Activation("elu", "ELU", nn.ELU),
)


def find_activation(name: str) -> Activation:
    """Return the activation of that name; raises ValueError where there is none."""
    return find_choice("activation", name, ACTIVATIONS)


def check_positive(name: str, values: Sequence[int]) -> None:
    """Raise ValueError unless every value is an integer of at least 1."""
    if not values or any(value < 1 for value in values):
        raise ValueError(f"{name} must be positive integers, got {values!r}")


def check_rates(name: str, values: Sequence[float]) -> None:
    """Raise ValueError unless every value is a dropout rate in [0, 1)."""
    if any(not 0 <= value < 1 for value in values):
        raise ValueError(f"{name} must be at least 0 and below 1, got {values!r}")
