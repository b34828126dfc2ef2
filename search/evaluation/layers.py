"""The layers of a network as Python code. Pure."""

from torch import nn


def layer_code(layer: nn.Module) -> str:
    """Return the call that makes a layer of `cifar_models`; raises TypeError for any other."""
    return f"nn.{type(layer).__name__}({_arguments(layer)})"


def _arguments(layer: nn.Module) -> str:
    match layer:
        case nn.Linear():
            arguments = f"{layer.in_features}, {layer.out_features}"
        case nn.Conv2d():
            arguments = _convolution(layer)
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            arguments = f"{layer.num_features}"
        case nn.MaxPool2d() | nn.AvgPool2d():
            padding = f", padding={layer.padding}" if layer.padding else ""
            arguments = f"{layer.kernel_size}, stride={layer.stride}{padding}"
        case nn.AdaptiveMaxPool2d() | nn.AdaptiveAvgPool2d():
            arguments = f"{layer.output_size}"
        case nn.Dropout() | nn.Dropout2d():
            arguments = f"{layer.p}"
        case nn.LeakyReLU():
            arguments = f"{layer.negative_slope}"
        case nn.Flatten() | nn.ReLU() | nn.GELU() | nn.SiLU() | nn.ELU():
            arguments = ""
        case _:
            raise TypeError(f"layer {layer!r} cannot be written as code")
    return arguments


def _convolution(layer: nn.Conv2d) -> str:
    bias = ", bias=False" if layer.bias is None else ""
    side = layer.kernel_size[0]
    return f"{layer.in_channels}, {layer.out_channels}, {side}, padding={side // 2}{bias}"
