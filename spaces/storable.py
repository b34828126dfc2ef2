"""Choices that Optuna can store, made of those that it cannot where nothing is lost.

Optuna stores None, truth values, numbers and texts. A NumPy number becomes Python's; a tuple or
list of such values is stored as its text, "(32, 64)", and the space still gets the tuple.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from operator import eq
from typing import Any, TypeVar, final

import numpy as np
from optuna.distributions import CategoricalChoiceType

from spaces.errors import SpaceError
from spaces.parameters import ParamValue
from spaces.wrapped_trial import WrappedTrial

_Choice = TypeVar("_Choice", bound=CategoricalChoiceType)


def storable(value: object) -> ParamValue:
    """Return what Optuna stores for a choice.

    Raises:
        TypeError: It is none of those, nor a tuple or list of them.
    """
    if isinstance(value, tuple | list):
        return repr(_plain(value))
    if isinstance(value, Enum):
        return storable(value.value)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"got {value!r} of type {type(value).__name__}")


def _plain(value: object) -> object:
    """Return nested tuples and lists of storable values, with Python's own numbers and texts."""
    if isinstance(value, tuple):
        return tuple(_plain(one) for one in value)
    return [_plain(one) for one in value] if isinstance(value, list) else storable(value)


def storable_point(params: Mapping[str, Any]) -> dict[str, ParamValue]:
    """Return the parameters of a point as Optuna stores them; raises as `storable` does."""
    return {name: _named(name, value) for name, value in params.items()}


def storable_levels(name: str, values: Sequence[Any]) -> tuple[ParamValue, ...]:
    """Return values of one parameter as Optuna stores them; raises as `storable` does."""
    return tuple(_named(name, value) for value in values)


def _named(name: str, value: object) -> ParamValue:
    try:
        return storable(value)
    except TypeError as error:
        raise SpaceError(
            f"parameter {name!r} has a choice that cannot be stored: {error}; accepted: None, "
            "bool, int, float, str, and tuples or lists of these"
        ) from error


@final
class StorableTrial(WrappedTrial):
    """Asks a trial for what it can store, and returns what was meant."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        low, high, width = float(low), float(high), None if step is None else float(step)
        if width is not None and not log:
            high = _last_step(low, high, width)
        return super().suggest_float(name, low, high, step=width, log=bool(log))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        low, high, step = _integer(low), _integer(high), _integer(step)
        numbers = all(isinstance(one, int) for one in (low, high, step))
        if numbers and not log and low < high and step > 0:
            high = low + (high - low) // step * step  # as below
        return super().suggest_int(name, low, high, step=step, log=bool(log))

    def suggest_categorical(self, name: str, choices: Sequence[_Choice]) -> _Choice:
        given: tuple[Any, ...] = tuple(choices)
        stored = storable_levels(name, given)
        chosen = super().suggest_categorical(name, stored)
        for alike in (_same, eq):  # True equals 1
            for one, text in zip(given, stored, strict=True):
                if alike(text, chosen):
                    meant: _Choice = one.item() if isinstance(one, np.generic) else one
                    return meant
        raise SpaceError(f"parameter {name!r} must be one of {given!r}, got {chosen!r}")


def _same(stored: ParamValue, chosen: ParamValue) -> bool:
    return type(stored) is type(chosen) and stored == chosen


def _last_step(low: float, high: float, step: float) -> float:
    """Return the last step of a range, where Optuna ends it, too, but with a warning each time.

    A range that makes no sense stays as it is, for Optuna to refuse.
    """
    if not (low < high and step > 0 and math.isfinite(high - low)):
        return high
    start, width = Decimal(str(low)), Decimal(str(step))
    n_steps, rest = divmod(Decimal(str(high)) - start, width)
    return float(start + n_steps * width) if rest else high


def _integer(value: Any) -> Any:
    """Return a NumPy integer as Python's; anything else is Optuna's to accept or refuse."""
    return value.item() if isinstance(value, np.integer) else value
