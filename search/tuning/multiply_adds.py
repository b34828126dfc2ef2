"""How much a network computes, as a measure to scale times by."""

import torch
from torch import nn

from cifar_models import build_model
from cifar_models.build import ModelConfig

_Sliding = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d


def multiply_adds(model: ModelConfig, image_shape: tuple[int, int, int], classes: int) -> int:
    """Return the multiplications of a forward pass of one image; allocates and draws nothing.

    Those of convolutions and linear layers are counted, which are nearly all. Raises ValueError
    where the network cannot be built.
    """
    with torch.device("meta"):
        network = build_model(model, image_shape, classes)
    count, (_, height, width) = 0, image_shape
    for module in network:
        if isinstance(module, _Sliding):
            height, width = _side(height, module), _side(width, module)
        if isinstance(module, nn.Conv2d):
            count += module.weight.numel() * height * width
        elif isinstance(module, nn.Linear):
            count += module.weight.numel()
    return count


def _side(side: int, module: _Sliding) -> int:
    """Return what becomes of a side, as the documentation of torch.nn.Conv2d gives it."""
    size, stride, padding = (_one(n) for n in (module.kernel_size, module.stride, module.padding))
    return (side + 2 * padding - size) // stride + 1


def _one(value: int | str | tuple[int, ...]) -> int:
    """Return a number that torch keeps as it is or once for each of two sides, here alike."""
    return value[0] if isinstance(value, tuple) else int(value)
