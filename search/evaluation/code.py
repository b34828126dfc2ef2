"""Values and layers as Python code. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from textwrap import indent
from typing import get_type_hints

from pydantic import BaseModel
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


_MOST_COLUMNS = 76


def literal(value: object) -> str:
    """Return the literal of a number, a text, None or a tuple of them.

    Texts stand in double quotes unless they hold one, with escapes for what cannot be printed.
    """
    match value:
        case str():
            return repr(value) if '"' in value else f'"{repr(chr(39) + value)[2:]}'
        case tuple() | list():
            items = ", ".join(literal(item) for item in value)
            return f"({items},)" if len(value) == 1 else f"({items})"
        case _:
            return repr(value)


def call(name: str, arguments: Mapping[str, str] | Sequence[str]) -> str:
    """Return a call with one argument a line; a mapping gives keywords and their code."""
    if isinstance(arguments, Mapping):
        arguments = [f"{keyword}={code}" for keyword, code in arguments.items()]
    lines = "".join(indent(f"{argument},\n", "    ") for argument in arguments)
    return f"{name}(\n{lines})" if lines else f"{name}()"


def long_tuple(values: Sequence[object]) -> str:
    """Return a tuple on one line where it fits, otherwise with one value a line."""
    line = literal(tuple(values))
    return line if len(line) <= _MOST_COLUMNS else call("", [literal(value) for value in values])


def constructor(value: object) -> str:
    """Return the call that makes a configuration again, with every setting that is its own.

    Raises TypeError for whatever is neither a dataclass nor a pydantic model.
    """
    settings = {name: _code(setting) for name, setting in _settings(value)}
    return call(type(value).__name__, settings)


def class_names(value: object) -> set[str]:
    """Return the names of the classes that `constructor` calls."""
    parts = (part for _, part in _settings(value) if _is_configuration(part))
    return {type(value).__name__}.union(*(class_names(part) for part in parts))


def _code(value: object) -> str:
    return constructor(value) if _is_configuration(value) else literal(value)


def _is_configuration(value: object) -> bool:
    return isinstance(value, BaseModel) or is_dataclass(value)


def _settings(value: object) -> Iterator[tuple[str, object]]:
    """Yield the settings; that which only tells the kind of a configuration is left out."""
    hints = get_type_hints(type(value))
    for name in _field_names(value):
        if name in ("kind", "name") and _is_fixed(hints[name]):
            continue
        yield name, getattr(value, name)


def _is_fixed(hint: object) -> bool:
    return len(getattr(hint, "__args__", ())) == 1


def _field_names(value: object) -> list[str]:
    if isinstance(value, BaseModel):
        return list(type(value).model_fields)
    if is_dataclass(value):
        return [field.name for field in fields(value)]
    raise TypeError(f"{value!r} is no configuration")
