"""Parameter values as positions in 0..1, with ticks. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)


@final
@dataclass(frozen=True)
class Scale:
    """Maps values to positions from `floor` to 1; `marks` are the values that get a tick."""

    place: Callable[[Any], float]
    marks: tuple[tuple[object, str], ...]
    floor: float = 0.0

    def __call__(self, value: object) -> float:
        """Return the position of a value."""
        return self.floor + (1 - self.floor) * self.place(value)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Return the (position, label) pairs."""
        return tuple((self(value), label) for value, label in self.marks)

    def lifted(self) -> "Scale":
        """Return the same scale with room below it for missing values."""
        return replace(self, floor=0.15)


def value_text(value: object) -> str:
    """Return a value as a label: a float with three digits, others as they are."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def parameter_scale(distribution: BaseDistribution, values: Sequence[object]) -> Scale:
    """Return the scale of a parameter's whole range, or of its choices in their order."""
    if isinstance(distribution, FloatDistribution | IntDistribution):
        low, high = float(distribution.low), float(distribution.high)
        return log_scale(low, high) if distribution.log else linear_scale(low, high)
    if isinstance(distribution, CategoricalDistribution):
        return _choice_scale(list(distribution.choices))
    return _choice_scale(list(dict.fromkeys(values)))


def linear_scale(low: float, high: float, write: Callable[[float], str] = value_text) -> Scale:
    """Return a scale with ticks at both ends and at round values between; `write` labels them."""
    if low == high:
        return Scale(lambda _: 0.5, ((low, write(low)),))
    step = _round_step((high - low) / 3)
    first, last = math.ceil(low / step), math.floor(high / step)
    place = _share(low, high)
    marks = _with_ends(low, high, [i * step for i in range(first, last + 1)], place)
    return Scale(place, tuple((mark, write(mark)) for mark in marks))


def log_scale(low: float, high: float) -> Scale:
    """Return a logarithmic scale with ticks at both ends and at the powers of ten between."""
    if low == high:
        return linear_scale(low, high)
    exponents = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    along = _share(math.log(low), math.log(high))

    def place(value: float) -> float:
        return along(math.log(value))

    marks = _with_ends(low, high, [10.0**exponent for exponent in exponents], place)
    return Scale(place, tuple((mark, value_text(mark)) for mark in marks))


def _share(low: float, high: float) -> Callable[[float], float]:
    return lambda value: (value - low) / (high - low)


def _with_ends(
    low: float, high: float, inner: list[float], place: Callable[[float], float]
) -> list[float]:
    """Return the ticks without those that would print over the label of an end."""
    return [low, *(mark for mark in inner if 0.1 < place(mark) < 0.9), high]


def _round_step(rough: float) -> float:
    """Return the greatest of 1, 2 and 5 times a power of ten that is at most `rough`."""
    power: float = 10.0 ** math.floor(math.log10(rough))
    # Rounding can leave the power itself a little above: 0.3 / 3 < 0.1.
    return max((f * power for f in (1, 2, 5) if f * power <= rough), default=power)


def _choice_scale(choices: list[object]) -> Scale:
    last = len(choices) - 1
    places = [index / last if last else 0.5 for index in range(len(choices))]
    return Scale(
        lambda value: places[choices.index(value)],
        tuple((choice, value_text(choice)) for choice in choices),
    )
