"""Faster equivalents of a network: the same parameters and function in a cheaper order."""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, final

import torch
from torch import nn
from torch.nn.functional import conv2d, linear
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from cifar_models.layers import LAYERS, DropPath, layer_arguments

_STEPS = 1 << 16


@final
class FastDropout(nn.Module):
    """Does what `layer` does, with masks that cost a quarter of torch's on a CPU.

    The probability of keeping a value is rounded to k / 65536; kept values are scaled by 65536 / k,
    so that the expectation is exact. The layer itself is applied on a GPU, which draws masks inside
    its own kernel, and for rates that round to 0 or 1, which need no mask.
    """

    def __init__(self, layer: nn.Dropout | nn.Dropout2d) -> None:
        super().__init__()
        self.layer = layer
        self._kept = round((1 - layer.p) * _STEPS)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the inputs, values (Dropout) or channels (Dropout2d, N x C x H x W) dropped."""
        whole_channels = isinstance(self.layer, nn.Dropout2d)
        odd = whole_channels and inputs.dim() != 4
        if not self.training or inputs.is_cuda or self._kept in (0, _STEPS) or odd:
            outputs: torch.Tensor = self.layer(inputs)
            return outputs
        shape = (*inputs.shape[:2], 1, 1) if whole_channels else inputs.shape
        return inputs * self._noise(shape, inputs.dtype)

    def _noise(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        kept = random_words(math.prod(shape)).view(shape) < self._kept - _STEPS // 2
        return kept.to(dtype).mul_(_STEPS / self._kept)


def random_words(n: int) -> torch.Tensor:
    """Return n int16 values, uniform over all 65536, from torch's global generator."""
    draws = torch.empty((n + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    return draws.view(torch.int16)[:n]


_DROPOUTS = (nn.Dropout, nn.Dropout2d, DropPath)

# Rising functions: the largest input has the largest output, so pooling may come first.
_RISING = (nn.ReLU, nn.LeakyReLU, nn.ELU)


def fuse_for_training(network: nn.Module) -> nn.Module:
    """Return a plain Sequential in a cheaper order, for training; any other network unchanged.

    Max pooling moves before a rising activation and before Dropout2d, which scales whole channels
    by factors of at least zero; average pooling moves before Dropout2d. Neither changes the
    function, and the activation then sees a quarter of the values. A layer before a batch norm is
    applied without its bias (see `BiasFree`). Dropout draws cheaper masks (see `FastDropout`). The
    same is done inside the layers of `cifar_models`.
    """
    if type(network) is not nn.Sequential:  # a subclass may compute something else
        return network
    inner = [_with_parts(module, fuse_for_training) for module in network]
    ordered = [_fast_dropout(module) for module in _pool_early(inner)]
    return nn.Sequential(*_merge_biases(ordered))


def fuse_for_inference(network: nn.Module) -> nn.Module:
    """Return a copy for evaluation, with the current weights.

    In a plain Sequential, batch norm is folded into the layer before it and dropout is left out,
    also inside the layers of `cifar_models`.
    """
    if type(network) is not nn.Sequential:
        return copy.deepcopy(network).eval()
    ordered = _pool_early([module for module in network if not isinstance(module, _DROPOUTS)])
    return nn.Sequential(*_fold(ordered)).eval()


def _with_parts(layer: nn.Module, change: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """Return one of `LAYERS` made again of changed parts; without parts, the layer itself."""
    arguments = layer_arguments(layer) if type(layer) in LAYERS else {}
    parts = {name: one for name, one in arguments.items() if isinstance(one, nn.Module)}
    if not parts:
        return layer
    return type(layer)(**(arguments | {name: change(one) for name, one in parts.items()}))


def _fast_dropout(module: nn.Module) -> nn.Module:
    return FastDropout(module) if isinstance(module, (nn.Dropout, nn.Dropout2d)) else module


def _fold(modules: list[nn.Module]) -> Iterator[nn.Module]:
    """Yield copies of the modules, with batch norms folded into the layers before them."""
    for module in _merge_biases(modules):
        copied = _evaluated(module)
        if not isinstance(copied, BiasFree):
            yield copied
        elif isinstance(copied.layer, nn.Conv2d):
            yield fuse_conv_bn_eval(copied.layer, copied.norm)
        else:
            yield fuse_linear_bn_eval(copied.layer, copied.norm)


def _evaluated(module: nn.Module) -> nn.Module:
    """Return a copy for evaluation, fused inside if it is one of this project's layers."""
    made = _with_parts(module, fuse_for_inference)
    return (copy.deepcopy(module) if made is module else made).eval()


def _pool_early(modules: list[nn.Module]) -> list[nn.Module]:
    ordered: list[nn.Module] = []
    for module in modules:
        place = len(ordered)
        if isinstance(module, nn.MaxPool2d):
            while place and isinstance(ordered[place - 1], (nn.Dropout2d, *_RISING)):
                place -= 1
        elif isinstance(module, nn.AvgPool2d):
            while place and isinstance(ordered[place - 1], nn.Dropout2d):
                place -= 1
        ordered.insert(place, module)
    return ordered


def _merge_biases(modules: list[nn.Module]) -> Iterator[nn.Module]:
    pending = list(modules)
    while pending:
        module = pending.pop(0)
        norm = pending[0] if pending else None
        if _is_pair(module, norm):
            yield BiasFree(module, pending.pop(0))
        else:
            yield module


def _is_pair(layer: nn.Module, norm: nn.Module | None) -> bool:
    if isinstance(layer, nn.Conv2d):
        return isinstance(norm, nn.BatchNorm2d) and layer.padding_mode == "zeros"
    return isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d)


@final
class BiasFree(nn.Module):
    """A convolution or linear layer and its batch norm, the layer applied without its bias.

    Batch norm subtracts the batch mean, so the bias only changes the running mean, to which it is
    added afterwards. Its gradient is zero; autograd would compute rounding noise.
    """

    def __init__(self, layer: Any, norm: Any) -> None:
        super().__init__()
        self.layer: nn.Conv2d | nn.Linear = layer
        self.norm: nn.BatchNorm1d | nn.BatchNorm2d = norm

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return what the plain pair returns in training mode."""
        layer, norm = self.layer, self.norm
        outputs: torch.Tensor = norm(_without_bias(layer, inputs))
        if layer.bias is not None and norm.running_mean is not None:
            # .data, because autograd saved the running mean and would refuse a changed one
            norm.running_mean.data.add_(layer.bias.detach(), alpha=norm.momentum or 0.0)
            layer.bias.grad = torch.zeros_like(layer.bias)
        return outputs


def _without_bias(layer: nn.Conv2d | nn.Linear, inputs: torch.Tensor) -> torch.Tensor:
    if isinstance(layer, nn.Linear):
        return linear(inputs, layer.weight)
    return conv2d(
        inputs, layer.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
    )
