"""What a family of networks is, and what families share: activations, checks, and wording."""

import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from itertools import chain
from typing import Any, Protocol, Self, TypeVar, final

import torch
from torch import nn
from torch.nn.functional import cross_entropy

_FEW = 4  # images of a step that is tried


class Choice(Protocol):
    """One entry of a registry; configurations refer to it by `name`."""

    @property
    def name(self) -> str:
        """How a configuration spells it."""


_Choice = TypeVar("_Choice", bound=Choice)


def find_choice(setting: str, name: str, registry: Sequence[_Choice]) -> _Choice:
    """Return the entry of that name; raises ValueError, with the accepted names, without one."""
    for choice in registry:
        if choice.name == name:
            return choice
    accepted = ", ".join(choice.name for choice in registry)
    raise ValueError(f"{setting} must be one of {accepted}, got {name!r}")


@final
@dataclass(frozen=True)
class Activation:
    """An activation function; `words` name it in a sentence."""

    name: str
    words: str
    build: Callable[[], nn.Module]


ACTIVATIONS = (
    Activation("relu", "ReLU", nn.ReLU),
    Activation("leaky_relu", "leaky ReLU", partial(nn.LeakyReLU, 0.1)),
    Activation("gelu", "GELU", nn.GELU),
    Activation("silu", "SiLU", nn.SiLU),
    Activation("elu", "ELU", nn.ELU),
)


def find_activation(name: str) -> Activation:
    """Return the activation of that name; raises ValueError if there is none."""
    return find_choice("activation", name, ACTIVATIONS)


def check_positive(name: str, values: Sequence[int]) -> None:
    """Raise ValueError unless every value is an integer of at least 1."""
    whole = _holds(values, numbers.Integral)
    if not whole or not values or any(value < 1 for value in values):
        raise ValueError(f"{name} must be positive integers, got {values!r}")


def check_rates(name: str, values: Sequence[float]) -> None:
    """Raise ValueError unless every value is a dropout rate in [0, 1)."""
    if not _holds(values, numbers.Real) or any(not 0 <= value < 1 for value in values):
        raise ValueError(f"{name} must be at least 0 and below 1, got {values!r}")


def _holds(values: object, kind: type) -> bool:
    """Return whether it is a sequence of that kind of numbers."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return False
    return all(isinstance(one, kind) and not isinstance(one, bool) for one in values)


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def write_number(value: float) -> str:
    """Return a number with four significant digits: 0.0073, 1e-6."""
    return str(value) if isinstance(value, int) else f"{value:.4g}".replace("e-0", "e-")


def write_numbers(values: Sequence[float]) -> str:
    """Return numbers as a list: "32, 64 and 128"."""
    return write_list([write_number(value) for value in values])


def write_count(number: int, singular: str) -> str:
    """Return a count with its noun: "three convolutions", with digits from 10."""
    count = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{count} {singular}" if number == 1 else f"{count} {singular}s"


def write_list(words: Sequence[str]) -> str:
    """Return words as a list: "a, b and c"; raises ValueError for none."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def write_dropout(rates: Sequence[float]) -> str:
    """Return dropout rates in words: "dropout 0.4" if all layers have the same."""
    if not any(rates):
        return "no dropout"
    return f"dropout {write_numbers(rates if len(set(rates)) > 1 else rates[:1])}"


@final
@dataclass(frozen=True)
class Normalization:
    """How images are normalized: the mean and deviation of each channel, in 0..255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@final
@dataclass(frozen=True)
class ModelScript:
    """What an exported script says of a network besides its layers.

    Attributes:
        parameters: Code of what the optimizer of a `network` trains.
        rate_shares: Whether groups of them learn at shares of the learning rate.
        load_weights: Code of a function `load_weights(network)`, if a new network starts from some.
    """

    parameters: str = "network.parameters()"
    rate_shares: bool = False
    load_weights: str = ""


class ModelInput(ABC):
    """Something outside of the program that networks start from, such as a file of weights.

    It is hashable; equal ones are obtained once.
    """

    @abstractmethod
    def obtain(self, announce: Callable[[str], None]) -> None:
        """Make sure that it is on this machine.

        Args:
            announce: Is told, in a sentence, before something that takes time.

        Raises:
            ValueError: It is not; the message is one line.
        """

    def paths(self) -> tuple[str, ...]:
        """Return the files of this machine that it is read from."""
        return ()


class ModelConfig(ABC):
    """The architecture of one network of a family.

    A subclass is a frozen dataclass (or a frozen pydantic model), whose defaults are the hand-tuned
    network, if there is one. Its first field, `kind: Literal["..."] = "..."`, names the family in
    stored candidates and file names. To be used by candidates, it must be listed in
    `cifar_models.FAMILIES`, or in the `families` of the user's space that suggests it. Only `build`
    has to be written.
    """

    kind: str

    @property
    def depth(self) -> int:
        """A number of layers with weights that the network has at least; no network is built."""
        return 0

    @abstractmethod
    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        """Return a new network that maps (N, C, H, W) floats to (N, num_classes) logits.

        It may be any module, but only the layers of a plain `nn.Sequential` are reordered for
        speed. Raises ValueError if the architecture does not fit the shape.
        """

    def describe(self) -> str:
        """Return the layers in words, to follow "The network has": "three linear layers ..."."""
        settings = [f"{name} {_write(value)}" for name, value in self._settings()]
        return f"the layers of {self.kind}" + (f" ({', '.join(settings)})" if settings else "")

    def keywords(self) -> str:
        """Return a few words that distinguish networks in a table: "cnn 32-64-128 relu"."""
        return " ".join([self.kind, *(f"{name}={_write(one)}" for name, one in self._settings())])

    @property
    def input_normalization(self) -> Normalization | None:
        """How the network's images are normalized; None: by their own mean and deviation."""
        return None

    @property
    def starting_inputs(self) -> tuple[ModelInput, ...]:
        """What a new network starts from, besides random numbers."""
        return ()

    def relocated(self, place: Callable[[str], str]) -> Self:
        """Return it for a machine where `place` says where the files that it starts from are."""
        del place
        return self

    @property
    def training_share(self) -> float:
        """Seconds of a training step, as a share of what its multiply-adds let one expect."""
        return 1.0

    def load_inputs(self, network: nn.Module) -> None:
        """Load what a new network starts from into it; raises ValueError if that fails."""
        del network

    def parameter_groups(self, network: nn.Module) -> Sequence[Mapping[str, Any]]:
        """Return what an optimizer trains, as torch's parameter groups.

        A group may have a `rate_share`: it then learns at this share of the learning rate.
        """
        return ({"params": list(network.parameters())},)

    def model_script(self) -> ModelScript:
        """Return what an exported script says besides the layers."""
        return ModelScript()

    def same_size(self) -> Self | None:
        """Return a hashable network of the same size, by which slow counts are remembered.

        None: counting is quick.
        """
        return None

    def portable(self) -> Self:
        """Return the settings that a trained network needs on any machine."""
        return self

    def _settings(self) -> Iterator[tuple[str, object]]:
        """Yield the name and value of each field but the kind."""
        names = [one.name for one in fields(self)] if is_dataclass(self) else list(vars(self))
        return ((name, getattr(self, name)) for name in names if name != "kind")


def _write(value: object) -> str:
    match value:
        case bool() | str() | None:
            return str(value)
        case int() | float():
            return write_number(value)
        case tuple() | list():
            return "-".join(map(_write, value))
        case _:
            return repr(value)


@final
class NetworkError(TypeError):
    """What is wrong with a network that a family makes, in one line."""


def build_model(
    config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int
) -> nn.Module:
    """Return a newly initialized network: (N, C, H, W) floats to (N, num_classes) logits.

    Weights come from torch's default initialization and global generator. Raises ValueError if the
    network does not fit the shape or the number of classes.
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(f"input_shape must be (channels, height, width), got {input_shape!r}")
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2, got {num_classes!r}")
    model: object = config.build(input_shape, num_classes)
    if not isinstance(model, nn.Module):
        raise NetworkError(f"build must return an nn.Module, got {type(model).__name__}")
    lazy = (nn.UninitializedParameter, nn.UninitializedBuffer)
    if any(isinstance(one, lazy) for one in chain(model.parameters(), model.buffers())):
        raise NetworkError("lazy layers have no size before their first batch; give them one")
    return model


def check_output(config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int) -> None:
    """Raise NetworkError unless the network returns logits; ValueError if it cannot be built."""

    def check(model: nn.Module) -> None:
        images = torch.zeros(2, *input_shape)
        with torch.inference_mode():
            _check_logits(model.eval()(images), images, num_classes)

    _measure(config, input_shape, num_classes, check)


def _check_logits(found: object, images: torch.Tensor, num_classes: int) -> None:
    wanted = len(images), num_classes
    if not isinstance(found, torch.Tensor) or found.shape != wanted:
        what = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise NetworkError(
            f"it must return logits {wanted} of images {tuple(images.shape)}, got {what}"
        )


def check_step(config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int) -> None:
    """Raise NetworkError unless a training step on a few random images changes a parameter.

    Nothing is drawn from torch's global generator.
    """
    with torch.random.fork_rng([]), torch.enable_grad():
        network = build_model(config, input_shape, num_classes).train()
        trained = [one for one in network.parameters() if one.requires_grad]
        if not trained:
            frozen = any(True for _ in network.parameters())
            raise NetworkError(f"it has no parameters{' that are not frozen' if frozen else ''}")
        images = torch.randn(_FEW, *input_shape)
        logits = network(images)
        _check_logits(logits, images, num_classes)
        if not logits.requires_grad:
            raise NetworkError("its logits are detached from its parameters, which cannot learn")
        cross_entropy(logits, torch.arange(_FEW) % num_classes).backward()  # type: ignore[no-untyped-call]
        if all(one.grad is None for one in trained):
            raise NetworkError("none of its parameters gets a gradient")


_Measured = TypeVar("_Measured")


def count_parameters(
    config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int
) -> int:
    """Return the number of parameters, frozen ones included.

    It draws nothing, and allocates nothing if it can. Raises ValueError if the network cannot be
    built.
    """
    same = config.same_size()
    if same is not None:
        return _known_parameters(same, input_shape, num_classes)
    return _count_parameters(config, input_shape, num_classes)


def _count_parameters(
    config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int
) -> int:
    def count(model: nn.Module) -> int:
        return sum(parameter.numel() for parameter in model.parameters())

    return _measure(config, input_shape, num_classes, count)


def multiply_adds(config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int) -> int:
    """Return the multiplications of a forward pass of one image, likewise.

    Only convolutions and matrix products are counted, which are nearly all. Raises ValueError if
    the network cannot be built.
    """
    same = config.same_size()
    if same is not None:
        return _known_multiply_adds(same, input_shape, num_classes)
    return _multiply_adds(config, input_shape, num_classes)


def _multiply_adds(config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int) -> int:
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415 - slow to import

    def count(model: nn.Module) -> int:
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            model.eval()(torch.zeros(1, *input_shape))
        return int(counter.get_total_flops()) // 2  # additions are counted too

    return _measure(config, input_shape, num_classes, count)


def _measure(
    config: ModelConfig,
    input_shape: tuple[int, int, int],
    num_classes: int,
    measure: Callable[[nn.Module], _Measured],
) -> _Measured:
    """Measure the network without memory; one that computes with its values is really made."""
    try:
        with torch.device("meta"):
            return measure(build_model(config, input_shape, num_classes))
    except (NotImplementedError, RuntimeError):
        with torch.random.fork_rng([]):
            return measure(build_model(config, input_shape, num_classes))


_known_parameters, _known_multiply_adds = cache(_count_parameters), cache(_multiply_adds)
