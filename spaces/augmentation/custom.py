"""A user's own function as an augmentation."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from textwrap import indent
from typing import Any, ClassVar, Literal, Self, TypeAlias, final

import torch
from optuna.trial import BaseTrial
from pydantic import Field
from torch import Tensor

from spaces.augmentation.base import Augmentation, ScriptStep, Stage
from spaces.errors import SpaceError
from spaces.function_source import function_source, load_function

Value: TypeAlias = bool | int | float | str
_TRIAL_SHAPE = (4, 3, 32, 32)


@final
class CustomAugmentation(Augmentation):
    """A function of a user's own that changes a batch of images; make it by `from_function`.

    The function takes uint8 images (N, 3, H, W) and its parameters, and returns images of the same
    shape and type. Random numbers must come from torch's default generator, as those of
    `torch.rand(n, device=images.device)` do: each epoch seeds it.

    The code of the function is part of the settings, together with everything else of its file that
    it uses, so that whatever trains the candidate needs no file, and a changed function is another
    candidate. Since it may decide anything on the CPU, steps with it are not captured on a GPU.
    """

    words: ClassVar[str] = "custom function"
    stage: ClassVar[Stage] = "pixels"
    capturable: ClassVar[bool] = False
    n_draws: ClassVar[int] = 0

    name: Literal["custom"] = "custom"
    function: str = Field(min_length=1)
    source: str = Field(min_length=1)
    parameters: tuple[tuple[str, Value], ...] = ()

    @classmethod
    def from_function(cls, function: Callable[..., Tensor], **parameters: Value) -> Self:
        """Return the augmentation that calls `function(images, **parameters)`.

        The function is tried on a small batch.

        Raises:
            SpaceError: Its code cannot be stored, or it failed, or what it returned is not images
                of the same shape and type, or differs between two calls with the same seed.
        """
        custom = cls(
            function=function.__name__,
            source=function_source(function),
            parameters=tuple(parameters.items()),
        )
        _try_out(custom.function, custom.source, custom.parameters)
        return custom

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:  # noqa: ARG003
        """Raise TypeError: what to search is known to the user's space only."""
        raise TypeError("a custom augmentation has no parameters of its own; use from_function")

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:  # noqa: ARG002
        return _call(self.function, self.source, self.parameters, images)

    def settings(self) -> Iterator[str]:
        for name, value in self.parameters:
            yield f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"

    def describe(self) -> str:
        settings = ", ".join(self.settings())
        return f"{self.function} ({settings})" if settings else self.function

    def keyword(self) -> str:
        return self.function

    def script(self) -> ScriptStep:
        """Return it with the user's code inside a function, where no name of the script is lost."""
        arguments = ["images", *(f"{name}={value!r}" for name, value in self.parameters)]
        own = [line for line in self.source.splitlines() if "from __future__" not in line]
        body = indent("\n".join([*own, f"return {self.function}({', '.join(arguments)})"]), "    ")
        name = f"custom_{self.function}"
        code = f'''\
def {name}(images: Tensor) -> Tensor:
    """Return the images, changed by {self.function}."""
{body}
'''
        return ScriptStep((code,), (f"images = {name}(images)",))


def _call(
    name: str, source: str, parameters: tuple[tuple[str, Value], ...], images: Tensor
) -> Tensor:
    changed: Tensor = load_function(name, source)(images, **dict(parameters))
    return changed


_CALLS = 8  # with one seed: a coin that is tossed falls on one side in 1 of 128 tries


@cache
def _try_out(name: str, source: str, parameters: tuple[tuple[str, Value], ...]) -> None:
    n_values = math.prod(_TRIAL_SHAPE)
    images = (torch.arange(n_values) * 37 % 256).view(_TRIAL_SHAPE).to(torch.uint8)
    with torch.random.fork_rng([]):
        found: list[Any] = []
        for _ in range(_CALLS):
            torch.manual_seed(0)
            try:
                found.append(_call(name, source, parameters, images.clone()))
            except Exception as error:
                what = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise SpaceError(
                    f"augmentation {name!r} failed on a batch of uint8 images "
                    f"{_TRIAL_SHAPE}: {what}"
                ) from error
    for result in found:
        _check(name, result)
    if any(not torch.equal(found[0], one) for one in found[1:]):
        raise SpaceError(
            f"augmentation {name!r} gives other images for the same seed; accepted: random numbers "
            "of torch's default generator only, such as torch.rand(n, device=images.device)"
        )


def _check(name: str, result: Any) -> None:
    if not isinstance(result, Tensor):
        kind = type(result).__name__
        raise SpaceError(f"augmentation {name!r} must return a tensor of images, got {kind}")
    if result.dtype != torch.uint8 or result.shape != _TRIAL_SHAPE:
        raise SpaceError(
            f"augmentation {name!r} must return images as it gets them, uint8 {_TRIAL_SHAPE}, got "
            f"{str(result.dtype).removeprefix('torch.')} {tuple(result.shape)}"
        )
