"""Parameter values as positions in 0..1, with ticks. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

from matplotlib.ticker import MaxNLocator
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
    """Return a value as a label: a float with three digits or all before the point, or as it is."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.3g}"


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
    ticks = MaxNLocator(nbins=4, steps=[1, 2, 5, 10]).tick_values(low, high)
    return _between(low, high, lambda value: value, [float(tick) for tick in ticks], write)


def log_scale(low: float, high: float) -> Scale:
    """Return a logarithmic scale with ticks at both ends and at the powers of ten between."""
    if low == high:
        return linear_scale(low, high)
    exponents = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    return _between(low, high, math.log, [10.0**exponent for exponent in exponents], value_text)


def _between(
    low: float,
    high: float,
    transform: Callable[[float], float],
    ticks: list[float],
    write: Callable[[float], str],
) -> Scale:
    """Return a scale with ticks at both ends and at those of `ticks` that keep clear of them."""
    start, width = transform(low), transform(high) - transform(low)

    def place(value: float) -> float:
        return (transform(value) - start) / width

    marks = [low, *(tick for tick in ticks if low < tick < high and 0.1 < place(tick) < 0.9), high]
    return Scale(place, tuple((mark, write(mark)) for mark in marks))


def _choice_scale(choices: list[object]) -> Scale:
    last = len(choices) - 1
    places = [index / last if last else 0.5 for index in range(len(choices))]
    return Scale(
        lambda value: places[choices.index(value)],
        tuple((choice, value_text(choice)) for choice in choices),
    )
