"""Faster equivalents of a network: the same parameters and function in a cheaper order.

Only torch's own layers and those of `cifar_models` are touched, not classes derived from them, nor
layers that a user has given hooks: these may compute anything.
"""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard, TypeVar, final

import torch
from torch import nn
from torch.nn.functional import conv2d, linear
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from cifar_models.layers import LAYERS, DropPath, layer_arguments

_STEPS = 1 << 16
_Layer = TypeVar("_Layer", bound=nn.Module)


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

# What a layer has among its attributes if a call of it does something of the user's.
_OF_USERS = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
    "forward",
)


def fuse_for_training(network: nn.Module) -> nn.Module:
    """Return a plain Sequential in a cheaper order, for training; any other network unchanged.

    Max pooling moves before a rising activation and before Dropout2d, which scales whole channels
    by factors of at least zero; average pooling moves before Dropout2d. Neither changes the
    function, and the activation then sees a quarter of the values. A layer before a batch norm is
    applied without its bias (see `BiasFree`). Dropout draws cheaper masks (see `FastDropout`). The
    same is done inside the layers of `cifar_models`.
    """
    if not _is_plain(network, nn.Sequential):
        return network
    inner = [_with_parts(module, fuse_for_training) for module in network]
    ordered = [_fast_dropout(module) for module in _pool_early(inner)]
    return nn.Sequential(*_merge_biases(ordered))


def fuse_for_inference(network: nn.Module) -> nn.Module:
    """Return a copy for evaluation, with the current weights.

    In a plain Sequential, batch norm is folded into the layer before it and dropout is left out,
    also inside the layers of `cifar_models`.
    """
    if not _is_plain(network, nn.Sequential):
        return copy.deepcopy(network).eval()
    ordered = _pool_early([module for module in network if not _is_plain(module, *_DROPOUTS)])
    return nn.Sequential(*_fold(ordered)).eval()


def _is_plain(module: nn.Module | None, *kinds: type[_Layer]) -> TypeGuard[_Layer]:
    """Return whether a module is exactly of one of these classes, and computes what they do."""
    own = {} if module is None else vars(module)
    return type(module) in kinds and not any(own.get(name) for name in _OF_USERS)


def _with_parts(layer: nn.Module, change: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """Return one of `LAYERS` made again of changed parts; without parts, the layer itself."""
    arguments = layer_arguments(layer) if _is_plain(layer, *LAYERS) else {}
    parts = {name: one for name, one in arguments.items() if isinstance(one, nn.Module)}
    if not parts:
        return layer
    return type(layer)(**(arguments | {name: change(one) for name, one in parts.items()}))


def _fast_dropout(module: nn.Module) -> nn.Module:
    if _is_plain(module, nn.Dropout) or _is_plain(module, nn.Dropout2d):
        return FastDropout(module)
    return module


def _fold(modules: list[nn.Module]) -> Iterator[nn.Module]:
    """Yield copies of the modules, with batch norms folded into the layers before them."""
    for module in _merge_biases(modules):
        copied = _evaluated(module)
        if not isinstance(copied, BiasFree):
            yield copied
        elif isinstance(copied.layer, nn.Conv2d):
            yield fuse_conv_bn_eval(copied.layer, copied.norm)
        else:
            yield _FoldedLinear(copied.layer, copied.norm)


def _evaluated(module: nn.Module) -> nn.Module:
    """Return a copy for evaluation, fused inside if it is one of this project's layers."""
    made = _with_parts(module, fuse_for_inference)
    return (copy.deepcopy(module) if made is module else made).eval()


def _pool_early(modules: list[nn.Module]) -> list[nn.Module]:
    ordered: list[nn.Module] = []
    for module in modules:
        place = len(ordered)
        while place and _may_swap(ordered[place - 1], module):
            place -= 1
        ordered.insert(place, module)
    return ordered


def _may_swap(layer: nn.Module, pooling: nn.Module) -> bool:
    """Return whether the pooling that follows a layer may come before it."""
    if _is_plain(pooling, nn.AvgPool2d):
        return _is_plain(layer, nn.Dropout2d)
    if not _is_plain(pooling, nn.MaxPool2d) or pooling.return_indices:
        return False
    return _is_plain(layer, nn.Dropout2d) or _rises(layer)


def _rises(activation: nn.Module) -> bool:
    """Return whether the largest input has the largest output."""
    if _is_plain(activation, nn.LeakyReLU):
        return activation.negative_slope >= 0
    if _is_plain(activation, nn.ELU):
        return activation.alpha >= 0
    return _is_plain(activation, nn.ReLU)


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
    """Return whether a batch norm follows a layer, and the two may be computed as one."""
    if _is_plain(layer, nn.Conv2d) and _is_plain(norm, nn.BatchNorm2d):
        return layer.padding_mode == "zeros" and _keeps_statistics(norm)
    if _is_plain(layer, nn.Linear) and _is_plain(norm, nn.BatchNorm1d):
        whole = norm.affine and norm.bias is not None  # torch folds no other into a linear layer
        return whole and layer.out_features == norm.num_features and _keeps_statistics(norm)
    return False


def _keeps_statistics(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> bool:
    """Return whether a norm has running statistics, to which each batch adds the same share."""
    keeps = norm.track_running_stats and norm.running_mean is not None
    return keeps and norm.momentum is not None


@final
class BiasFree(nn.Module):
    """A convolution or linear layer and its batch norm, the layer applied without its bias.

    Batch norm subtracts the batch mean, so the bias only changes the running mean, to which it is
    added afterwards. Its gradient is zero; autograd would compute rounding noise. A linear layer on
    inputs (N, L, C) keeps its bias: batch norm then normalizes L.
    """

    def __init__(self, layer: Any, norm: Any) -> None:
        super().__init__()
        self.layer: nn.Conv2d | nn.Linear = layer
        self.norm: nn.BatchNorm1d | nn.BatchNorm2d = norm

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return what the plain pair returns in training mode."""
        layer, norm = self.layer, self.norm
        together = isinstance(layer, nn.Conv2d) or inputs.dim() == 2
        outputs: torch.Tensor = norm(_without_bias(layer, inputs) if together else layer(inputs))
        if together and layer.bias is not None and norm.running_mean is not None:
            # .data, because autograd saved the running mean and would refuse a changed one
            norm.running_mean.data.add_(layer.bias.detach(), alpha=norm.momentum or 0.0)
            if layer.bias.requires_grad:
                layer.bias.grad = torch.zeros_like(layer.bias)
        return outputs


@final
class _FoldedLinear(nn.Module):
    """A linear layer with its batch norm folded in, which holds for inputs (N, C) only."""

    def __init__(self, layer: nn.Linear, norm: Any) -> None:
        super().__init__()
        self.folded = fuse_linear_bn_eval(layer, norm)
        self.pair = nn.Sequential(layer, norm)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = (self.folded if inputs.dim() == 2 else self.pair)(inputs)
        return outputs


def _without_bias(layer: nn.Conv2d | nn.Linear, inputs: torch.Tensor) -> torch.Tensor:
    if isinstance(layer, nn.Linear):
        return linear(inputs, layer.weight)
    return conv2d(
        inputs, layer.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
    )
