"""What a family of networks is, and what families share: activations, checks, and wording."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar, final

import torch
from torch import nn


class Choice(Protocol):
    """One entry of a registry; configurations refer to it by `name`."""

    @property
    def name(self) -> str:
        """How a configuration spells it."""


_Choice = TypeVar("_Choice", bound=Choice)


def find_choice(setting: str, name: str, registry: Sequence[_Choice]) -> _Choice:
    """Return the entry of that name; raises ValueError, with the accepted names, without one."""
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
    """Return the activation of that name; raises ValueError if there is none."""
    return find_choice("activation", name, ACTIVATIONS)


def check_positive(name: str, values: Sequence[int]) -> None:
    """Raise ValueError unless every value is an integer of at least 1."""
    if not values or any(value < 1 for value in values):
        raise ValueError(f"{name} must be positive integers, got {values!r}")


def check_rates(name: str, values: Sequence[float]) -> None:
    """Raise ValueError unless every value is a dropout rate in [0, 1)."""
    if any(not 0 <= value < 1 for value in values):
        raise ValueError(f"{name} must be at least 0 and below 1, got {values!r}")


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def write_number(value: float) -> str:
    """Return a number with four significant digits: 0.0073, 1e-6."""
    return str(value) if isinstance(value, int) else f"{value:.4g}".replace("e-0", "e-")


def write_numbers(values: Sequence[float]) -> str:
    """Return numbers as a list: "32, 64 and 128"."""
    return write_list([write_number(value) for value in values])


def write_count(number: int, singular: str) -> str:
    """Return a count with its noun: "three convolutions", with digits from 10."""
    count = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{count} {singular}" if number == 1 else f"{count} {singular}s"


def write_list(words: Sequence[str]) -> str:
    """Return words as a list: "a, b and c"; raises ValueError for none."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def write_dropout(rates: Sequence[float]) -> str:
    """Return dropout rates in words: "dropout 0.4" if all layers have the same."""
    if not any(rates):
        return "no dropout"
    return f"dropout {write_numbers(rates if len(set(rates)) > 1 else rates[:1])}"


class ModelConfig(ABC):
    """The architecture of one network of a family.

    A subclass is a frozen dataclass whose defaults are the hand-tuned network, if there is one. Its
    first field,
    `kind: Literal["..."] = "..."`, names the family in stored candidates and file names. To be
    used by candidates, it must be listed in `cifar_models.FAMILIES`.
    """

    kind: str

    @property
    @abstractmethod
    def depth(self) -> int:
        """Number of layers with weights, known without building the network."""

    @abstractmethod
    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        """Return a new network that maps (N, C, H, W) floats to (N, num_classes) logits.

        It may be any module, but only the layers of a plain `nn.Sequential` are reordered for
        speed. Raises ValueError if the architecture does not fit the shape.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return the layers in words, to follow "The network has": "three linear layers ..."."""

    @abstractmethod
    def keywords(self) -> str:
        """Return a few words that distinguish networks in a table: "cnn 32-64-128 relu"."""


def build_model(
    config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int
) -> nn.Module:
    """Return a newly initialized network: (N, C, H, W) floats to (N, num_classes) logits.

    Weights come from torch's default initialization and global generator. Raises ValueError if the
    network does not fit the shape or the number of classes.
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(f"input_shape must be (channels, height, width), got {input_shape!r}")
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2, got {num_classes!r}")
    return config.build(input_shape, num_classes)


def count_parameters(
    config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int
) -> int:
    """Return the number of trainable parameters; allocates and draws nothing.

    Raises ValueError if the network cannot be built.
    """
    with torch.device("meta"):
        model = build_model(config, input_shape, num_classes)
    return sum(parameter.numel() for parameter in model.parameters())


def multiply_adds(config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int) -> int:
    """Return the multiplications of a forward pass of one image; allocates and draws nothing.

    Only convolutions and matrix products are counted, which are nearly all. Raises ValueError if
    the network cannot be built.
    """
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415 - slow to import

    with torch.device("meta"), torch.inference_mode():
        model = build_model(config, input_shape, num_classes).eval()
        image = torch.zeros(1, *input_shape)
        with FlopCounterMode(display=False) as counter:
            model(image)
    return int(counter.get_total_flops()) // 2  # additions are counted too
