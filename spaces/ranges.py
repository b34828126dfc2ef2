"""Other ranges for parameters of a space, which is not copied: its trials are asked otherwise.

A range is written `sgd_lr=1e-4..1` on the command line, and choices `batch_size=32,64`.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Generic, Self, TypeAlias, TypeGuard, TypeVar, final

from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from spaces.errors import AllRejectedError, SpaceError
from spaces.parameters import ParamValue, describe_range
from spaces.prior import Belief, BySize, Prior, Weights
from spaces.probing import Parameter, check_possible
from spaces.storable import StorableTrial, storable_levels
from spaces.wrapped_trial import WrappedTrial

_Choice = TypeVar("_Choice", bound=CategoricalChoiceType)
_Suggested = TypeVar("_Suggested")
Point: TypeAlias = Mapping[str, ParamValue]


@final
@dataclass(frozen=True)
class Ranges:
    """Checked ranges of some parameters.

    Attributes:
        known: What the space suggests of each of its parameters.
        new: By name, the choices of a categorical parameter, or (low, high) of a number.
    """

    known: Mapping[str, BaseDistribution]
    new: Mapping[str, tuple[Any, ...]]

    @classmethod
    def check(
        cls, space: str, parameters: Sequence[Parameter], given: Mapping[str, Any]
    ) -> "Ranges":
        """Return the ranges of a space's parameters.

        Raises:
            SpaceError: A name is unknown, or a range is none for its parameter.
        """
        known = {one.name: one.distribution for one in parameters}
        for name in given:
            if name not in known:
                near = _similar(name, list(known))
                hint = f"did you mean {near}?" if near else f"its parameters: {', '.join(known)}"
                raise SpaceError(f"space {space!r} has no parameter {name!r}: {hint}")
        new = {name: _checked(name, known[name], value) for name, value in given.items()}
        return cls(MappingProxyType(known), MappingProxyType(new))

    def applied(
        self, suggest: Callable[[BaseTrial], _Suggested]
    ) -> Callable[[BaseTrial], _Suggested]:
        """Return the space's function, asked within these ranges."""
        return Ranged(suggest, self.new)

    def ends(self) -> Iterator[tuple[str, Any]]:
        """Yield each parameter with each value that is new: choices, or the ends of a number."""
        for name, values in self.new.items():
            then = self.known[name]
            is_known = then.choices if isinstance(then, CategoricalDistribution) else ()
            yield from ((name, one) for one in dict.fromkeys(values) if one not in is_known)

    def only(self, name: str, value: Any) -> Self:
        """Return these ranges with one parameter fixed."""
        ends = (value,) if isinstance(self.known[name], CategoricalDistribution) else (value, value)
        return replace(self, new={**self.new, name: ends})

    def outside(self, point: Point) -> tuple[str, ParamValue] | None:
        """Return a parameter with a value outside its range; None if all are within."""
        for name in self.new:
            if name in point and self._nearest(name, point[name]) != point[name]:
                return name, point[name]
        return None

    def moved(self, point: Point) -> Point | None:
        """Return the point with the nearest values that are within; None if there are none."""
        changed = {name: self._nearest(name, point[name]) for name in self.new if name in point}
        if any(value is None and point[name] is not None for name, value in changed.items()):
            return None
        return {**point, **changed}

    def levels(self, levels: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
        """Return a grid's levels without those outside; a parameter that loses all has its own."""
        kept = {
            name: [one for one in values if self.outside({name: one}) is None]
            for name, values in levels.items()
        }
        return {name: values for name, values in kept.items() if values}

    def prior(self, prior: Prior | None) -> Prior | None:
        """Return the prior without beliefs that would never draw one of the new choices."""
        if prior is None:
            return None
        return Prior({name: one for name, one in prior.beliefs.items() if self._is_kept(name, one)})

    def _is_kept(self, name: str, belief: Belief | BySize) -> bool:
        beliefs = (belief.fewer, belief.more) if isinstance(belief, BySize) else (belief,)
        weights = [one.weights for one in beliefs if isinstance(one, Weights)]
        return all(value in one for one in weights for value in self.new.get(name, ()))

    def _nearest(self, name: str, value: ParamValue) -> Any:
        """Return the value, or the nearest one in the range; None: only numbers are near others."""
        values, then = self.new[name], self.known[name]
        if not isinstance(then, CategoricalDistribution):
            return _on_step(then, values, value)
        if value in values:
            return value
        numbers = [one for one in values if _is_number(one)]
        if not numbers or not _is_number(value):
            return None
        return min(numbers, key=lambda one: abs(one - value))


def check_ends(ranges: Ranges, suggest: Callable[[BaseTrial], object]) -> None:
    """Raise SpaceError if the space rejects all points that have one of the new values."""
    for name, value in ranges.ends():
        fixed = ranges.only(name, value).applied(suggest)
        try:
            check_possible(_storable(fixed), name)
        except AllRejectedError as error:
            raise SpaceError(f"parameter {name!r} cannot be {value!r}: {error.reason}") from error


def _storable(suggest: Callable[[BaseTrial], object]) -> Callable[[BaseTrial], object]:
    return lambda trial: suggest(StorableTrial(trial))


def _on_step(then: BaseDistribution, ends: tuple[Any, ...], value: ParamValue) -> Any:
    low, high = ends
    if not _is_number(value):
        return None
    nearest = min(max(value, low), high)
    step = then.step if isinstance(then, FloatDistribution | IntDistribution) else None
    if nearest == value and not step:
        return value
    if step and not getattr(then, "log", False):
        nearest = min(low + round((nearest - low) / step) * step, high)
    return nearest


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_finite(value: object) -> bool:
    return _is_number(value) and math.isfinite(value)


_SHORT = {"lr": "learning_rate"}  # how parameters abbreviate settings of candidates


def _similar(name: str, known: Sequence[str]) -> str:
    """Return the parameters that a wrong name may have meant: "sgd_lr or adamw_lr"; "" for none.

    These have its words, as those of each optimizer have "learning_rate", or a similar word.
    """
    words = _whole(name)
    found = [one for one in known if f"_{words}_" in f"_{_whole(one)}_"]
    found = found or difflib.get_close_matches(name, known, n=1)
    found = found or [
        one for one in known if difflib.get_close_matches(name, one.split("_"), 1, 0.75)
    ]
    *others, last = found or ("",)
    return f"{', '.join(others)} or {last}" if others else last


def _whole(name: str) -> str:
    return "_".join(_SHORT.get(word, word) for word in name.split("_"))


# Checking a range


def _checked(name: str, then: BaseDistribution, given: Any) -> tuple[Any, ...]:
    """Return choices or ends; raises SpaceError, naming the parameter, if they are none."""
    values = tuple(given) if isinstance(given, tuple | list) else (given,)
    if isinstance(then, CategoricalDistribution):
        return _checked_choices(name, then, values)
    if not isinstance(then, FloatDistribution | IntDistribution):
        raise TypeError(f"unknown distribution {then!r}")
    ends = values * 2 if len(values) == 1 else values
    if len(ends) != 2 or not all(map(_is_finite, ends)) or ends[0] > ends[1]:
        raise _refused(name, then, given, "one number, or the lowest and the highest")
    if isinstance(then, IntDistribution) and any(end != int(end) for end in ends):
        raise _refused(name, then, given, "whole numbers")
    if then.log and ends[0] <= 0:
        raise _refused(name, then, given, "numbers above 0, as its scale is logarithmic")
    kind = int if isinstance(then, IntDistribution) else float
    low, high = kind(ends[0]), kind(ends[1])
    if then.step and not then.log and abs((high - low) / then.step % 1 - 0.5) < 0.5 - 1e-8:
        raise _refused(name, then, given, f"ends that are a multiple of {then.step:g} apart")
    return low, high


def _checked_choices(
    name: str, then: CategoricalDistribution, values: tuple[Any, ...]
) -> tuple[Any, ...]:
    stored = storable_levels(name, values)
    kinds = {type(one) for one in then.choices}
    if not values or len(set(stored)) < len(stored) or {type(one) for one in stored} - kinds:
        example = ",".join(str(one) for one in then.choices[:3])
        accepted = f"different choices of the same kind, such as {name}={example}"
        raise _refused(name, then, values[0] if len(values) == 1 else values, accepted)
    return values


def _refused(name: str, then: BaseDistribution, given: Any, accepted: str) -> SpaceError:
    return SpaceError(
        f"parameter {name!r}, which is {describe_range(then)}, cannot be {given!r}; accepted: "
        f"{accepted}"
    )


@final
@dataclass(frozen=True)
class Ranged(Generic[_Suggested]):
    """A space's function, asked within other ranges.

    It is an object with fields, so that a study of a session's space can store its code.
    """

    suggest: Callable[[BaseTrial], _Suggested]
    new: Mapping[str, tuple[Any, ...]]

    def __call__(self, trial: BaseTrial) -> _Suggested:
        """Return what the function suggests."""
        return self.suggest(_RangedTrial(trial, self.new))


@final
class _RangedTrial(WrappedTrial):
    """Asks a trial for other ranges than the space does."""

    def __init__(self, trial: BaseTrial, new: Mapping[str, tuple[Any, ...]]) -> None:
        super().__init__(trial)
        self._new = new

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        low, high = self._new.get(name, (low, high))
        return super().suggest_float(name, low, high, step=step, log=log)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        low, high = self._new.get(name, (low, high))
        return super().suggest_int(name, low, high, step=step, log=log)

    def suggest_categorical(self, name: str, choices: Sequence[_Choice]) -> _Choice:
        among: Sequence[_Choice] = self._new.get(name, tuple(choices))
        return super().suggest_categorical(name, among)


# As text

_OUTSIDE_BRACKETS = re.compile(r",(?![^(\[]*[)\]])")


def parse_ranges(parameters: Sequence[Parameter], settings: Sequence[str]) -> dict[str, Any]:
    """Return the ranges that texts such as "sgd_lr=1e-4..1" and "batch_size=32,64" mean.

    Choices are read as those of the parameter are; names are not checked.

    Raises:
        SpaceError: A text is none.
    """
    known = {one.name: one.distribution for one in parameters}
    parsed = {}
    for setting in settings:
        name, _, text = (part.strip() for part in setting.partition("="))
        parsed[name] = _parsed(name, known.get(name), text)
    return parsed


def _parsed(name: str, then: BaseDistribution | None, text: str) -> Any:
    if isinstance(then, CategoricalDistribution):
        return tuple(_choice(then, one.strip()) for one in _OUTSIDE_BRACKETS.split(text))
    numbers = text.split("..")
    if then is not None and "..." in text:  # 1...5 might mean 1 to 5, or to 0.5
        raise _refused(name, then, text, "LOW..HIGH, or one number")
    try:
        return tuple(_number(one) for one in numbers)
    except ValueError as error:
        if then is None:
            return text
        raise _refused(name, then, text, "LOW..HIGH, or one number") from error


def _choice(then: CategoricalDistribution, text: str) -> ParamValue:
    """Return the choice that is written so, or a further one of the same kind."""
    for choice in then.choices:
        if text.lower() == str(choice).lower():
            return choice
    kinds = {type(one) for one in then.choices}
    if kinds <= {int, float}:
        try:
            return _number(text)
        except ValueError:
            return text  # which is refused with what is accepted
    return text


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
