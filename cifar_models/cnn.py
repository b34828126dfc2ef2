"""The convolutional network; its defaults are the hand-tuned network."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from cifar_models.layers import ActivationName, build_activation, check_positive, check_rates

PoolingName = Literal["max", "overlapping_max", "average"]
HeadName = Literal["flatten", "global_max", "global_average"]


@final
@dataclass(frozen=True)
class CNNConfig:
    """One block a width in `channels`: convolution, batch norm, activation, dropout, pooling.

    With `pool_first` the pooling follows the convolution, so that batch norm and activation work
    on a quarter of the values. A pooling halves the image, by 2x2 squares or by overlapping 3x3
    ones (Krizhevsky, Sutskever and Hinton, 2012). `head` says how the last feature map becomes a
    vector. Raises ValueError naming the bad argument.
    """

    kind: Literal["cnn"] = "cnn"
    channels: tuple[int, ...] = (32, 64, 128)
    kernel_size: int = 3
    activation: ActivationName = "relu"
    pooling: PoolingName = "max"
    pool_first: bool = False
    conv_dropout: float = 0.1
    head: HeadName = "flatten"
    head_dropout: float = 0.4

    def __post_init__(self) -> None:
        check_positive("channels", self.channels)
        check_rates("conv_dropout", (self.conv_dropout,))
        check_rates("head_dropout", (self.head_dropout,))
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd and positive, got {self.kernel_size!r}")


def build_cnn(
    config: CNNConfig, input_shape: tuple[int, int, int], num_classes: int
) -> nn.Sequential:
    """Return the network that maps (N, C, H, W) floats to (N, num_classes) logits.

    Raises ValueError where the image is too small to be halved once a block.
    """
    in_channels, height, width = input_shape
    shrink = 2 ** len(config.channels)
    if min(height, width) < shrink:
        raise ValueError(
            f"input_shape {input_shape!r} is too small for {len(config.channels)} poolings: "
            f"height and width must be at least {shrink}"
        )
    area = _pooled_side(height, config) * _pooled_side(width, config)
    return nn.Sequential(*_blocks(config, in_channels), *_head(config, area, num_classes))


def _pooled_side(side: int, config: CNNConfig) -> int:
    """Return the side of the last feature map; only overlapping squares reach an odd last row."""
    odd = 1 if config.pooling == "overlapping_max" else 0
    for _ in config.channels:
        side = (side + odd) // 2
    return side


def _blocks(config: CNNConfig, width_in: int) -> Iterator[nn.Module]:
    kernel, first = config.kernel_size, config.pool_first
    for width in config.channels:
        # before a batch norm a bias is of no use; the hand-tuned network has one all the same
        yield nn.Conv2d(width_in, width, kernel, padding=kernel // 2, bias=not first)
        if first:
            yield _pooling(config.pooling)
        yield nn.BatchNorm2d(width)
        yield build_activation(config.activation)
        yield nn.Dropout2d(config.conv_dropout)
        if not first:
            yield _pooling(config.pooling)
        width_in = width


def _pooling(name: PoolingName) -> nn.Module:
    if name == "average":
        return nn.AvgPool2d(2, 2)
    return nn.MaxPool2d(2, 2) if name == "max" else nn.MaxPool2d(3, 2, padding=1)


def _head(config: CNNConfig, area: int, num_classes: int) -> Iterator[nn.Module]:
    features = config.channels[-1]
    if config.head == "flatten":
        features *= area
    elif config.head == "global_max":
        yield nn.AdaptiveMaxPool2d(1)
    else:
        yield nn.AdaptiveAvgPool2d(1)
    yield nn.Flatten()
    yield nn.Dropout(config.head_dropout)
    yield nn.Linear(features, num_classes)
