"""The convolutional network; its defaults are the hand-tuned network."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from typing import Literal, final

from torch import nn

from cifar_models.family import (
    ModelConfig,
    check_positive,
    check_rates,
    find_activation,
    find_choice,
    write_count,
    write_dropout,
    write_numbers,
)


@final
@dataclass(frozen=True)
class Pooling:
    """A layer that halves height and width; `halve` returns the new side length."""

    name: str
    words: str
    build: Callable[[], nn.Module]
    halve: Callable[[int], int] = lambda side: side // 2


POOLINGS = (
    Pooling("max", "max pooling", partial(nn.MaxPool2d, 2, 2)),
    # overlapping 3x3 windows (Krizhevsky, Sutskever and Hinton, 2012), including an odd last row
    Pooling(
        "overlapping_max",
        "overlapping max pooling",
        partial(nn.MaxPool2d, 3, 2, padding=1),
        lambda side: (side + 1) // 2,
    ),
    Pooling("average", "average pooling", partial(nn.AvgPool2d, 2, 2)),
)


@final
@dataclass(frozen=True)
class Head:
    """How the last feature map becomes a vector: pooled to one value per channel, or flattened."""

    name: str
    words: str
    pool: Callable[[], nn.Module] | None


HEADS = (
    Head("flatten", "a flattened head", None),
    Head("global_average", "a global average pooling head", partial(nn.AdaptiveAvgPool2d, 1)),
    Head("global_max", "a global max pooling head", partial(nn.AdaptiveMaxPool2d, 1)),
)


@final
@dataclass(frozen=True)
class CNNConfig(ModelConfig):
    """One block per width in `channels`: convolution, batch norm, activation, dropout, pooling.

    With `pool_first` the pooling follows the convolution, so that batch norm and activation process
    a quarter of the values. Raises ValueError naming the bad argument.
    """

    kind: Literal["cnn"] = "cnn"
    channels: tuple[int, ...] = (32, 64, 128)
    kernel_size: int = 3
    activation: str = "relu"
    pooling: str = "max"
    pool_first: bool = False
    conv_dropout: float = 0.1
    head: str = "flatten"
    head_dropout: float = 0.4

    def __post_init__(self) -> None:
        check_positive("channels", self.channels)
        check_rates("conv_dropout", (self.conv_dropout,))
        check_rates("head_dropout", (self.head_dropout,))
        find_activation(self.activation)
        find_choice("pooling", self.pooling, POOLINGS)
        find_choice("head", self.head, HEADS)
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd and positive, got {self.kernel_size!r}")

    @property
    def depth(self) -> int:
        """The convolutions and the linear layer."""
        return len(self.channels) + 1

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Sequential:
        """Return the network.

        Raises ValueError if the image is too small to be halved once per block.
        """
        in_channels, height, width = input_shape
        smallest = 2 ** len(self.channels)
        if min(height, width) < smallest:
            raise ValueError(
                f"input_shape {input_shape!r} is too small for {len(self.channels)} poolings: "
                f"height and width must be at least {smallest}"
            )
        pooling = find_choice("pooling", self.pooling, POOLINGS)
        height, width = (
            reduce(lambda side, _: pooling.halve(side), self.channels, side)
            for side in (height, width)
        )
        blocks = self._blocks(in_channels, pooling)
        return nn.Sequential(*blocks, *self._head(height * width, num_classes))

    def _blocks(self, width_in: int, pooling: Pooling) -> Iterator[nn.Module]:
        size, first = self.kernel_size, self.pool_first
        for width in self.channels:
            # a bias before batch norm is useless, but the hand-tuned network has one
            yield nn.Conv2d(width_in, width, size, padding=size // 2, bias=not first)
            if first:
                yield pooling.build()
            yield nn.BatchNorm2d(width)
            yield find_activation(self.activation).build()
            yield nn.Dropout2d(self.conv_dropout)
            if not first:
                yield pooling.build()
            width_in = width

    def _head(self, area: int, num_classes: int) -> Iterator[nn.Module]:
        features = self.channels[-1]
        pool = find_choice("head", self.head, HEADS).pool
        if pool is None:
            features *= area
        else:
            yield pool()
        yield nn.Flatten()
        yield nn.Dropout(self.head_dropout)
        yield nn.Linear(features, num_classes)

    def describe(self) -> str:
        pooling = find_choice("pooling", self.pooling, POOLINGS).words
        return (
            f"{write_count(len(self.channels), 'convolution')} of {write_numbers(self.channels)} "
            f"channels ({self.kernel_size}x{self.kernel_size} kernels, "
            f"{find_activation(self.activation).words}, "
            f"{pooling}{' before batch norm' if self.pool_first else ''}, "
            f"{write_dropout((self.conv_dropout,))}) and "
            f"{find_choice('head', self.head, HEADS).words} with "
            f"{write_dropout((self.head_dropout,))}"
        )

    def keywords(self) -> str:
        return f"{self.kind} {'-'.join(map(str, self.channels))} {self.activation}"
