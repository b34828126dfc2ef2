"""Distributions read as ranges: which values lie inside, which stand for the whole, in words."""

import math
from decimal import Decimal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from spaces.asking import ParamValue


def settle(name: str, distribution: BaseDistribution, value: ParamValue) -> ParamValue:
    """Return the value as Optuna would give it, such as 1.0 for 1 in a range of floats.

    Raises ValueError naming the parameter, the value and its range where it lies outside.
    """
    if not _contains(distribution, value):
        raise ValueError(
            f"parameter {name!r} must be {describe_range(distribution)}, got {value!r}"
        )
    internal = distribution.to_internal_repr(value)
    settled: ParamValue = distribution.to_external_repr(internal)
    return settled


def describe_range(distribution: BaseDistribution) -> str:
    """Return the range in words, such as "0.001 to 0.3 (log)" or "one of 32, 64"."""
    match distribution:
        case CategoricalDistribution(choices=choices):
            return f"one of {', '.join(str(choice) for choice in choices)}"
        case FloatDistribution(low=low, high=high) | IntDistribution(low=low, high=high):
            return f"{low:g} to {high:g}{_scale(distribution)}"
    raise TypeError(f"unknown distribution {distribution!r}")


def spread(distribution: BaseDistribution) -> tuple[ParamValue, ...]:
    """Return all the choices of a categorical; low, middle and high of a range, in its scale.

    The middle of a log range is the geometric mean; that of a stepped range lies on a step.
    """
    match distribution:
        case CategoricalDistribution(choices=choices):
            return tuple(dict.fromkeys(choices))
        case FloatDistribution(low=low, high=high) | IntDistribution(low=low, high=high):
            return tuple(dict.fromkeys((low, _middle(distribution), high)))
    raise TypeError(f"unknown distribution {distribution!r}")


def _contains(distribution: BaseDistribution, value: ParamValue) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        raise TypeError(f"unknown distribution {distribution!r}")
    if isinstance(value, bool | str) or value is None:
        return False
    if not distribution.low <= value <= distribution.high:
        return False
    steps = 0.0 if distribution.step is None else (value - distribution.low) / distribution.step
    return abs(steps - round(steps)) < 1e-8  # the tolerance that Optuna grants


def _middle(distribution: FloatDistribution | IntDistribution) -> float | int:
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log:
        # exp of the mean logarithm would miss a range of one value by a rounding error
        middle = min(max(math.sqrt(low) * math.sqrt(high), low), high)
        return round(middle) if isinstance(distribution, IntDistribution) else middle
    if step is None:
        return low + (high - low) / 2
    # decimal, as in Optuna: 0 + 3 * 0.1 shall be 0.3
    start, stride = Decimal(str(low)), Decimal(str(step))
    stepped = start + (Decimal(str(high)) - start) / stride // 2 * stride
    return int(stepped) if isinstance(distribution, IntDistribution) else float(stepped)


def _scale(distribution: FloatDistribution | IntDistribution) -> str:
    if distribution.log:
        return " (log)"
    plain = 1 if isinstance(distribution, IntDistribution) else None
    return "" if distribution.step == plain else f" (steps of {distribution.step:g})"
