"""Values and networks as Python code."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Any, final

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.pretty import pretty_repr
from torch import fx, nn

from cifar_models.layers import LAYERS, layer_arguments


@final
@dataclass(frozen=True)
class NetworkCode:
    """A network as code: the call that makes it, the classes that are not torch's, and packages."""

    call: str
    definition: str = ""
    needs: str = "torch"


_MAX_COLUMNS = 76
_SIZES = ("kernel_size", "stride", "padding", "dilation")
_CLASS = '''\
class Network(nn.Module):
    """The network's layers, and how they are connected."""

    def __init__(self) -> None:
        super().__init__()
{layers}

    def forward(self, {inputs}: Tensor) -> Tensor:
        """Return the logits of images."""
{body}
'''


def network_code(network: nn.Module) -> NetworkCode:
    """Return a network's code: a plain Sequential of layers, or a class traced by torch.fx.

    Raises TypeError if the network cannot be traced, or has weights outside torch's layers.
    """
    if type(network) is nn.Sequential and all(map(_is_known_layer, network)):
        definitions = _definitions(network)
        needs = "torch and torchvision" if "from torchvision" in definitions else "torch"
        return NetworkCode(indent(_layer_code(network), "    ").lstrip(), definitions, needs)
    return NetworkCode("Network()", _class_code(network))


def _definitions(network: nn.Module) -> str:
    """Return the source of the network's layers that are this project's own."""
    used = {type(module) for module in network.modules()}
    sources = [inspect.getsource(layer) for layer in LAYERS if layer in used]
    return "\n\n".join(source.removeprefix("@final\n") for source in sources)


def _is_known_layer(module: nn.Module) -> bool:
    """Return whether a module is a layer of torch or of this project, or such ones in sequence."""
    if type(module) is nn.Sequential:
        return all(map(_is_known_layer, module))
    if type(module) not in LAYERS:
        return _is_torch_layer(module)
    parts = layer_arguments(module).values()
    return all(_is_known_layer(part) for part in parts if isinstance(part, nn.Module))


def _is_torch_layer(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.nn.modules") and not [*module.children()]


def _layer_code(layer: nn.Module) -> str:
    """Return the call that makes a layer; of torch's its repr without defaults."""
    if type(layer) is nn.Sequential:
        return call("nn.Sequential", [_layer_code(one) for one in layer])
    if type(layer) in LAYERS:
        arguments = layer_arguments(layer).items()
        return call(type(layer).__name__, {name: _argument_code(one) for name, one in arguments})
    if not _is_torch_layer(layer):
        raise TypeError(f"layer {layer!r} cannot be written as code")
    made = ast.parse(repr(layer), mode="eval").body
    if isinstance(made, ast.Call):
        known = inspect.signature(type(layer)).parameters
        settings = {one.arg: _plain_size(one) for one in made.keywords if one.arg}
        settings |= {name: value for name, value in _flags(layer) if name not in settings}
        made.keywords = [
            ast.keyword(name, ast.Constant(value))
            for name, value in settings.items()
            if value != known[name].default
        ]
    return f"nn.{ast.unparse(made)}"


def _flags(layer: nn.Module) -> Iterator[tuple[str, bool]]:
    """Yield the settings that are on or off, some of which torch leaves out of a layer's repr."""
    for name in inspect.signature(type(layer)).parameters:
        value = getattr(layer, name, None)
        if isinstance(value, bool):
            yield name, value


def _argument_code(argument: object) -> str:
    return _layer_code(argument) if isinstance(argument, nn.Module) else literal(argument)


def _plain_size(setting: ast.keyword) -> Any:
    """Return the setting's value; for a size such as (3, 3), only the number."""
    value = ast.literal_eval(setting.value)
    alike = isinstance(value, tuple) and len(set(value)) == 1
    return value[0] if alike and setting.arg in _SIZES else value


def _class_code(network: nn.Module) -> str:
    try:
        graph = fx.Tracer().trace(network)
    except (fx.proxy.TraceError, TypeError, NotImplementedError) as error:
        raise TypeError(f"network {type(network).__name__} cannot be traced: {error}") from error
    layers: dict[str, nn.Module] = {}
    names: dict[str, str] = {}
    for node in graph.nodes:
        if node.op == "get_attr":
            raise TypeError(f"{node.target} of {type(network).__name__} belongs to no layer")
        if node.op == "call_module":
            layer = network.get_submodule(node.target)
            node.target = names.setdefault(node.target, node.name)
            layers[node.target] = layer
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    source = fx.GraphModule(layers, graph).code
    body = source[source.index("def forward") :].split("\n", 1)[1]
    made = [f"self.{name} = {_layer_code(layer)}" for name, layer in layers.items()]
    steps = re.sub(r";  (\w+ = )+None", "", body).strip("\n")  # fx frees memory early
    for one in inputs:  # fx renames an input called like one of Python's own functions
        steps = steps.replace(f"    {one.name} = {one.target}\n", "")
    return _CLASS.format(
        layers=indent("\n".join(made), " " * 8),
        inputs=", ".join(node.name for node in inputs),
        body=indent(steps, "    "),
    ).rstrip()


def literal(value: object) -> str:
    """Return the literal of a number, a text, None or a tuple of them.

    Texts are in double quotes unless they contain one; unprintable characters are escaped.
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
    """Return a tuple on one line if it fits, otherwise with one value per line."""
    line = literal(tuple(values))
    return line if len(line) <= _MAX_COLUMNS else call("", [literal(value) for value in values])


def constructor(value: object) -> str:
    """Return the call that makes a dataclass or pydantic model again."""
    return pretty_repr(value, max_width=_MAX_COLUMNS)


def text_templates() -> Environment:
    """Return the templates of this package, which are not HTML."""
    return Environment(
        loader=PackageLoader("search.evaluation", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
