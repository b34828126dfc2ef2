"""A small residual network for images of about 32x32 pixels (He et al., 2015)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
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
    write_number,
    write_numbers,
)
from cifar_models.layers import DropPath, Residual


@final
@dataclass(frozen=True)
class Stem:
    """The first convolution; with a stride of 2 all further layers see a quarter of the pixels."""

    name: str
    words: str
    kernel_size: int
    stride: int

    def build(self, width_in: int, width: int) -> nn.Conv2d:
        """Return the convolution, without a bias, as a batch norm follows."""
        padding = (self.kernel_size - 1) // 2
        return nn.Conv2d(
            width_in, width, self.kernel_size, self.stride, padding=padding, bias=False
        )


STEMS = (
    Stem("full", "a 3x3 stem", 3, 1),
    Stem("strided", "a 3x3 stem of stride 2", 3, 2),
    Stem("patch", "a stem of 2x2 patches", 2, 2),
)


@final
@dataclass(frozen=True)
class ResNetConfig(ModelConfig):
    """One stage per width in `channels`, each of `blocks` residual blocks of two 3x3 convolutions.

    Every stage but the first halves height and width; its shortcut pools before it projects, so
    that no pixel is skipped (ResNet-D; He et al., 2018). The last batch norm of each branch starts
    at zero, so that the network starts as its shortcuts. `drop_path` is the rate of the last block;
    it rises linearly from zero at the first. Raises ValueError naming the bad argument.
    """

    kind: Literal["resnet"] = "resnet"
    channels: tuple[int, ...] = (32, 64, 128)
    blocks: int = 1
    stem: str = "strided"
    activation: str = "relu"
    drop_path: float = 0.0
    head_dropout: float = 0.0

    def __post_init__(self) -> None:
        check_positive("channels", self.channels)
        check_positive("blocks", (self.blocks,))
        check_rates("drop_path", (self.drop_path,))
        check_rates("head_dropout", (self.head_dropout,))
        find_activation(self.activation)
        find_choice("stem", self.stem, STEMS)

    @property
    def depth(self) -> int:
        """The convolutions that images pass one after the other, and the linear layer."""
        return 2 * self.blocks * len(self.channels) + 2

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Sequential:
        """Return the network; raises ValueError if the image is smaller than the stem's kernel."""
        stem = find_choice("stem", self.stem, STEMS)
        if min(input_shape[1:]) < stem.kernel_size - stem.kernel_size % 2:
            raise ValueError(
                f"input_shape {input_shape!r} is too small for {stem.words}: height and width "
                f"must be at least {stem.kernel_size}"
            )
        first, last = self.channels[0], self.channels[-1]
        return nn.Sequential(
            _initialized(stem.build(input_shape[0], first)),
            nn.BatchNorm2d(first),
            self._activation(),
            *self._blocks(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(self.head_dropout),
            nn.Linear(last, num_classes),
        )

    def _activation(self) -> nn.Module:
        return find_activation(self.activation).build()

    def _blocks(self) -> Iterator[Residual]:
        n_blocks = self.blocks * len(self.channels)
        rates = (self.drop_path * block / max(n_blocks - 1, 1) for block in range(n_blocks))
        for stage, (width_in, width) in enumerate(pairwise((self.channels[0], *self.channels))):
            for block in range(self.blocks):
                stride = 2 if stage and not block else 1
                yield self._block(width if block else width_in, width, stride, next(rates))

    def _block(self, width_in: int, width: int, stride: int, rate: float) -> Residual:
        last_norm = nn.BatchNorm2d(width)
        nn.init.zeros_(last_norm.weight)
        branch = [
            _convolution(width_in, width, 3, stride),
            nn.BatchNorm2d(width),
            self._activation(),
            _convolution(width, width, 3),
            last_norm,
            *([DropPath(rate)] if rate else []),
        ]
        shortcut = _shortcut(width_in, width, stride)
        return Residual(nn.Sequential(*branch), nn.Sequential(*shortcut), self._activation())

    def describe(self) -> str:
        return (
            f"{write_count(len(self.channels), 'residual stage')} of "
            f"{write_numbers(self.channels)} channels with "
            f"{write_count(self.blocks, 'block')} each "
            f"({find_choice('stem', self.stem, STEMS).words}, "
            f"{find_activation(self.activation).words}, {self._write_drop_path()}) and a global "
            f"average pooling head with {write_dropout((self.head_dropout,))}"
        )

    def _write_drop_path(self) -> str:
        return (
            f"drop path up to {write_number(self.drop_path)}"
            if self.drop_path
            else ("no drop path")
        )

    def keywords(self) -> str:
        widths = "-".join(map(str, self.channels))
        return f"{self.kind} {widths} x{self.blocks} {self.activation}"


def _convolution(width_in: int, width: int, size: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution that keeps the size but for its stride, without a bias."""
    return _initialized(nn.Conv2d(width_in, width, size, stride, padding=size // 2, bias=False))


def _initialized(convolution: nn.Conv2d) -> nn.Conv2d:
    """Return the convolution with weights that keep the gradient's variance (He et al., 2015)."""
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return convolution


def _shortcut(width_in: int, width: int, stride: int) -> Iterator[nn.Module]:
    """Yield the layers that give the inputs the branch's shape; none where they have it."""
    if stride > 1:
        yield nn.AvgPool2d(stride, ceil_mode=True)
    if width_in != width:
        yield _convolution(width_in, width, 1)
        yield nn.BatchNorm2d(width)
