"""Parameters and their ranges, and trials without a study, which choose values in other ways."""

import datetime
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeAlias, TypeVar, cast, final

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from spaces.errors import SpaceError

ParamValue: TypeAlias = bool | int | float | str | None
_Choice = TypeVar("_Choice", bound=CategoricalChoiceType)


class OfflineTrial(BaseTrial):
    """A trial without a study; a subclass chooses the value of each parameter.

    `params` and `distributions` contain what was suggested so far, in this order. Raises
    SpaceError if a parameter is suggested with two distributions.
    """

    def __init__(self) -> None:
        self._params: dict[str, ParamValue] = {}
        self._distributions: dict[str, BaseDistribution] = {}
        self._user_attrs: dict[str, object] = {}
        self._constraints: dict[str, float] = {}

    @abstractmethod
    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        """Return the value of a parameter that is suggested for the first time."""

    def _ask(self, name: str, make: Callable[[], BaseDistribution]) -> ParamValue:
        try:
            distribution = make()
        except ValueError as error:
            raise SpaceError(f"parameter {name!r}: {error}") from error
        known = self._distributions.get(name)
        if known is None:
            self._params[name] = self.choose(name, distribution)
            self._distributions[name] = distribution
        elif known != distribution:
            raise SpaceError(
                f"parameter {name!r} is suggested twice, as {describe_range(known)} and as "
                f"{describe_range(distribution)}: "
                "give each its own name"
            )
        return self._params[name]

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return the parameter's value, a float."""
        return cast("float", self._ask(name, lambda: FloatDistribution(low, high, log, step)))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return the parameter's value, an integer."""
        return cast("int", self._ask(name, lambda: IntDistribution(low, high, log, step)))

    def suggest_categorical(self, name: str, choices: Sequence[_Choice]) -> _Choice:
        """Return the parameter's value, one of the choices."""
        return cast("_Choice", self._ask(name, lambda: CategoricalDistribution(choices)))

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
    def number(self) -> int:
        """Raise SpaceError: what a space suggests may not depend on it."""
        raise SpaceError("suggest must not use trial.number, but only values that it suggests")

    @property
    def params(self) -> dict[str, ParamValue]:
        """The values so far."""
        return dict(self._params)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The distributions so far."""
        return dict(self._distributions)

    @property
    def user_attrs(self) -> dict[str, object]:
        """The recorded attributes."""
        return dict(self._user_attrs)

    @property
    def constraints(self) -> dict[str, float]:
        """The recorded constraints."""
        return dict(self._constraints)

    @property
    def datetime_start(self) -> datetime.datetime | None:
        """None: nothing was started."""
        return None


@final
class RandomTrial(OfflineTrial):
    """A trial whose parameters are drawn at random, each by a generator of its own."""

    def __init__(self, make_generator: Callable[[str], np.random.Generator]) -> None:
        super().__init__()
        self._make_generator = make_generator

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        """Return a value drawn from the distribution by the parameter's generator."""
        return draw(distribution, self._make_generator(name))


def draw(distribution: BaseDistribution, rng: np.random.Generator) -> ParamValue:
    """Draw a value of the distribution: uniformly, log-uniformly or among its steps.

    As in Optuna, what rounding errors would place outside the range is the end of the range:
    0 + 3 * 0.1 is more than 0.3.
    """
    match distribution:
        case CategoricalDistribution(choices=choices):
            return choices[int(rng.integers(len(choices)))]
        case FloatDistribution(low=low, high=high, step=float() as step):
            value: float = low + step * int(rng.integers(round((high - low) / step) + 1))
        case FloatDistribution(low=low, high=high, log=True):
            value = math.exp(rng.uniform(math.log(low), math.log(high)))
        case FloatDistribution(low=low, high=high):
            value = float(rng.uniform(low, high))
        case IntDistribution(low=low, high=high, log=True):
            logarithm = rng.uniform(math.log(low - 0.5), math.log(high + 0.5))
            value = round(math.exp(logarithm))
        case IntDistribution(low=low, high=high, step=step):
            value = low + step * int(rng.integers((high - low) // step + 1))
        case _:
            raise TypeError(f"distribution {distribution!r} cannot be drawn from")
    return min(max(value, low), high)


def canonicalize(name: str, distribution: BaseDistribution, value: ParamValue) -> ParamValue:
    """Return the value as Optuna would return it, such as 1.0 for 1 in a range of floats.

    Raises SpaceError if it is outside the range.
    """
    if not _contains(distribution, value):
        raise SpaceError(
            f"parameter {name!r} must be {describe_range(distribution)}, got {value!r}"
        )
    internal = distribution.to_internal_repr(value)
    canonical: ParamValue = distribution.to_external_repr(internal)
    return canonical


def describe_range(distribution: BaseDistribution) -> str:
    """Return the range in words, such as "0.001 to 0.3 (log)" or "one of 32, 64"."""
    match distribution:
        case CategoricalDistribution(choices=(only,)):
            return str(only)
        case CategoricalDistribution(choices=choices):
            return f"one of {', '.join(str(choice) for choice in choices)}"
        case FloatDistribution(low=low, high=high) | IntDistribution(low=low, high=high):
            return f"{low:g} to {high:g}{_scale(distribution)}" if low < high else f"{low:g}"
    raise TypeError(f"unknown distribution {distribution!r}")


def spread(distribution: BaseDistribution) -> tuple[ParamValue, ...]:
    """Return all choices of a categorical; low, middle and high of a range.

    The middle of a log range is the geometric mean; the middle of a stepped range is on a step.
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
    return abs(steps - round(steps)) < 1e-8  # Optuna's tolerance


def _middle(distribution: FloatDistribution | IntDistribution) -> float | int:
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log:
        # not exp of the mean logarithm: rounding could leave a range of one value
        middle = min(max(math.sqrt(low) * math.sqrt(high), low), high)
        return round(middle) if isinstance(distribution, IntDistribution) else middle
    if step is None:
        return low + (high - low) / 2
    # decimal, as in Optuna, so that 0 + 3 * 0.1 is 0.3
    start, stride = Decimal(str(low)), Decimal(str(step))
    stepped = start + (Decimal(str(high)) - start) / stride // 2 * stride
    return int(stepped) if isinstance(distribution, IntDistribution) else float(stepped)


def _scale(distribution: FloatDistribution | IntDistribution) -> str:
    if distribution.log:
        return " (log)"
    plain = 1 if isinstance(distribution, IntDistribution) else None
    return "" if distribution.step == plain else f" (steps of {distribution.step:g})"
