"""Layers of this package's networks; exported scripts contain their source.

So they need only torch. Each keeps its constructor's arguments as attributes of the same names, so
that it can be written as code, and be made again of cheaper equivalents of its parts.
"""

import inspect
from typing import Any, final

from torch import Tensor, nn

from cifar_models.backbone import Backbone


@final
class DropPath(nn.Module):
    """Stochastic depth: in training, a branch is zero for a random share of images."""

    def __init__(self, rate: float) -> None:
        """Drop at this rate."""
        super().__init__()
        self.rate = rate

    def extra_repr(self) -> str:
        """Return the rate, for the layer's repr."""
        return f"rate={self.rate}"

    def forward(self, branch: Tensor) -> Tensor:
        """Return the branch (N, ...), zero for some images and scaled up for others."""
        if not self.training or not self.rate:
            return branch
        shape = (branch.shape[0], *[1] * (branch.dim() - 1))
        kept = branch.new_empty(shape).bernoulli_(1 - self.rate)
        return branch * kept.div_(1 - self.rate)


@final
class Residual(nn.Module):
    """Adds a branch to a shortcut, which is the identity where it is empty."""

    def __init__(
        self, branch: nn.Sequential, shortcut: nn.Sequential, activation: nn.Module
    ) -> None:
        """Make it of its two paths and what follows them."""
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the activation of the sum of both paths."""
        outputs: Tensor = self.activation(self.branch(inputs) + self.shortcut(inputs))
        return outputs


@final
class Resize(nn.Module):
    """Scales images to squares of `size` pixels, bilinearly."""

    def __init__(self, size: int) -> None:
        """Scale to this size."""
        super().__init__()
        self.size = size

    def extra_repr(self) -> str:
        """Return the size, for the layer's repr."""
        return f"size={self.size}"

    def forward(self, images: Tensor) -> Tensor:
        """Return images (N, C, size, size); smaller ones are means of all pixels."""
        height, width = images.shape[2:]
        if height == width == self.size:
            return images
        scaled = nn.functional.interpolate(
            images.float(),
            (self.size, self.size),
            mode="bilinear",
            antialias=self.size < max(height, width),
        )
        return scaled.to(images.dtype)


LAYERS: tuple[type[nn.Module], ...] = (DropPath, Residual, Resize, Backbone)
"""Every layer that this package adds to torch's."""


def layer_arguments(layer: nn.Module) -> dict[str, Any]:
    """Return the arguments that make one of LAYERS again, by name.

    Raises TypeError for any other module.
    """
    if type(layer) not in LAYERS:
        raise TypeError(f"{type(layer).__name__} is none of this package's layers")
    return {name: getattr(layer, name) for name in inspect.signature(type(layer)).parameters}
