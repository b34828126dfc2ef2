"""Trials without a study, and the ranges that a space asks them for."""

import datetime
import math
from abc import abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias, TypeVar, cast

from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

ParamValue: TypeAlias = bool | int | float | str | None
_Choice = TypeVar("_Choice", bound=CategoricalChoiceType)


class OfflineTrial(BaseTrial):
    """A trial without a study: a subclass says what each parameter is worth.

    `params` and `distributions` hold what was asked for so far, in the order of asking. Raises
    ValueError where one name is asked for with two distributions.
    """

    def __init__(self) -> None:
        self._params: dict[str, ParamValue] = {}
        self._distributions: dict[str, BaseDistribution] = {}
        self._user_attrs: dict[str, object] = {}
        self._constraints: dict[str, float] = {}

    @abstractmethod
    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        """Return the value of a parameter that is asked for the first time."""

    def _ask(self, name: str, distribution: BaseDistribution) -> ParamValue:
        known = self._distributions.get(name)
        if known is None:
            self._params[name] = self.choose(name, distribution)
            self._distributions[name] = distribution
        elif known != distribution:
            raise ValueError(
                f"parameter {name!r} is asked for twice, as {known} and as {distribution}: "
                "give each its own name"
            )
        return self._params[name]

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return the parameter's value, a float."""
        return cast("float", self._ask(name, FloatDistribution(low, high, log=log, step=step)))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return the parameter's value, an integer."""
        return cast("int", self._ask(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_categorical(self, name: str, choices: Sequence[_Choice]) -> _Choice:
        """Return the parameter's value, one of the choices."""
        return cast("_Choice", self._ask(name, CategoricalDistribution(choices)))

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """Return `suggest_float`; deprecated by Optuna."""
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """Return `suggest_float` on a log scale; deprecated by Optuna."""
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        """Return `suggest_float` in steps of q; deprecated by Optuna."""
        return self.suggest_float(name, low, high, step=q)

    def report(self, value: float, step: int) -> None:
        """Ignore the value: no study is listening."""

    def should_prune(self) -> bool:
        """Return False: no study is listening."""
        return False

    def set_user_attr(self, key: str, value: object) -> None:
        """Record an attribute."""
        self._user_attrs[key] = value

    def set_constraint(self, key: str, value: float) -> None:
        """Record a constraint."""
        self._constraints[key] = float(value)

    @property
    def params(self) -> dict[str, ParamValue]:
        """Return the values given so far."""
        return dict(self._params)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Return the distributions asked for so far."""
        return dict(self._distributions)

    @property
    def user_attrs(self) -> dict[str, object]:
        """Return the recorded attributes."""
        return dict(self._user_attrs)

    @property
    def constraints(self) -> dict[str, float]:
        """Return the recorded constraints."""
        return dict(self._constraints)

    @property
    def datetime_start(self) -> datetime.datetime | None:
        """Return None: nothing was started."""
        return None


def canonicalize(name: str, distribution: BaseDistribution, value: ParamValue) -> ParamValue:
    """Return the value as Optuna would give it, such as 1.0 for 1 in a range of floats.

    Raises ValueError naming the parameter, the value and its range where it lies outside.
    """
    if not _contains(distribution, value):
        raise ValueError(
            f"parameter {name!r} must be {describe_range(distribution)}, got {value!r}"
        )
    internal = distribution.to_internal_repr(value)
    canonical: ParamValue = distribution.to_external_repr(internal)
    return canonical


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
