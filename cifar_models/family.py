"""What a family of networks is, and what holds for the networks of every family."""

from abc import ABC, abstractmethod

import torch
from torch import nn


class ModelConfig(ABC):
    """The architecture of one network of a family.

    A subclass is a frozen dataclass whose defaults are the hand-tuned network. Its first field,
    `kind: Literal["..."] = "..."`, names the family in stored candidates and file names. Listed in
    `cifar_models.FAMILIES`, it can be part of a candidate.
    """

    kind: str

    @property
    @abstractmethod
    def depth(self) -> int:
        """How many layers hold weights; known without building the network."""

    @abstractmethod
    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        """Return a new network that maps (N, C, H, W) floats to (N, num_classes) logits.

        Any module will do; a plain `nn.Sequential` is also trained and evaluated in a faster
        order of its layers. Raises ValueError where the shape does not suit the architecture.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return the layers in words, to follow "The network has": "three linear layers ..."."""

    @abstractmethod
    def keywords(self) -> str:
        """Return the fewest words that tell networks apart in a table: "cnn 32-64-128 relu"."""


def build_model(
    config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int
) -> nn.Module:
    """Return a freshly initialised network: (N, C, H, W) floats to (N, num_classes) logits.

    Weights are drawn by torch's default initialisation from torch's global generator.
    Raises ValueError where the shape or the class count does not suit the network.
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

    Raises ValueError where the network cannot be built.
    """
    with torch.device("meta"):
        model = build_model(config, input_shape, num_classes)
    return sum(parameter.numel() for parameter in model.parameters())


def multiply_adds(config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int) -> int:
    """Return the multiplications of a forward pass of one image; allocates and draws nothing.

    Convolutions and matrix products are counted, which are nearly all. Raises ValueError where
    the network cannot be built.
    """
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415 - slow to import

    with torch.device("meta"), torch.inference_mode():
        model = build_model(config, input_shape, num_classes).eval()
        image = torch.zeros(1, *input_shape)
        with FlopCounterMode(display=False) as counter:
            model(image)
    return int(counter.get_total_flops()) // 2  # it counts a multiplication and an addition each
