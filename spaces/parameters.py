"""Which parameters a space has, and when each appears: found by asking the space many times."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, final

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import BaseTrial

from spaces.ranges import OfflineTrial, ParamValue, describe_range, spread

_Suggested = TypeVar("_Suggested")

_N_PROBES = 512
_MAX_LISTED = 32


@final
@dataclass(frozen=True)
class Parameter:
    """A parameter, its range, and in words when it appears; None means always."""

    name: str
    distribution: BaseDistribution
    condition: str | None


@final
class _Probe(OfflineTrial):
    """Draws among few values of each parameter, so that every branch is soon taken."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:  # noqa: ARG002
        return self._rng.choice(_probed_values(distribution))


def probe(
    suggest: Callable[[BaseTrial], _Suggested],
) -> list[tuple[OfflineTrial, _Suggested]]:
    """Return trials of every branch with what was suggested to them; the same every time."""
    rng = random.Random(0)  # noqa: S311 - no secret
    trials = [_Probe(rng) for _ in range(_N_PROBES)]
    return [(trial, suggest(trial)) for trial in trials]


def find_parameters(suggest: Callable[[BaseTrial], object]) -> tuple[Parameter, ...]:
    """Return the parameters in the order of asking; the same result every time.

    A branch that fewer than one draw in a hundred takes may be missed. Raises ValueError where
    a parameter has two ranges in two branches.
    """
    return parameters_of([trial for trial, _ in probe(suggest)])


def parameters_of(trials: Sequence[OfflineTrial]) -> tuple[Parameter, ...]:
    """Return the parameters that the trials were asked for; raises as `find_parameters` does."""
    distributions = _merge([trial.distributions for trial in trials])
    points = [trial.params for trial in trials]
    return tuple(
        Parameter(name, distribution, _condition(name, distributions, points))
        for name, distribution in distributions.items()
    )


def _merge(seen: Sequence[dict[str, BaseDistribution]]) -> dict[str, BaseDistribution]:
    merged: dict[str, BaseDistribution] = {}
    order: list[str] = []
    for distributions in seen:
        place = 0
        for name, distribution in distributions.items():
            if name not in merged:
                order.insert(place, name)
            elif merged[name] != distribution:
                raise ValueError(
                    f"parameter {name!r} has two ranges, {describe_range(merged[name])} and "
                    f"{describe_range(distribution)}: give each its own name"
                )
            merged[name] = distribution
            place = order.index(name) + 1
    return {name: merged[name] for name in order}


def _condition(
    name: str, distributions: dict[str, BaseDistribution], points: list[dict[str, ParamValue]]
) -> str | None:
    present = [point for point in points if name in point]
    if len(present) == len(points):
        return None
    absent = [point for point in points if name not in point]
    rules = dict(_candidate_rules(name, present, absent))
    for controller in list(rules):  # the first asked are dropped first: the nearest explain best
        fewer = {other: values for other, values in rules.items() if other != controller}
        if not any(_allows(fewer, point) for point in absent):
            rules = fewer
    if not rules or any(_allows(rules, point) for point in absent):
        return "sometimes"
    return " and ".join(
        _describe_rule(controller, distributions[controller], values)
        for controller, values in rules.items()
    )


def _candidate_rules(
    name: str, present: list[dict[str, ParamValue]], absent: list[dict[str, ParamValue]]
) -> Iterator[tuple[str, set[ParamValue]]]:
    """Yield what was always so, when the parameter appeared, of those asked for before it."""
    earlier = list(present[0])[: list(present[0]).index(name)]
    for controller in earlier:
        values = {point.get(controller) for point in present}
        others = {point[controller] for point in absent if controller in point}
        if all(controller in point for point in present) and others - values:
            yield controller, values


def _allows(rules: dict[str, set[ParamValue]], point: dict[str, ParamValue]) -> bool:
    return all(name in point and point[name] in values for name, values in rules.items())


def _describe_rule(name: str, distribution: BaseDistribution, values: set[ParamValue]) -> str:
    probed = _probed_values(distribution)
    if isinstance(distribution, FloatDistribution) or len(probed) < _n_values(distribution):
        return f"depending on {name}"
    *others, last = [str(value) for value in probed if value in values]
    return f"{name} = {', '.join(others)} or {last}" if others else f"{name} = {last}"


def _probed_values(distribution: BaseDistribution) -> tuple[ParamValue, ...]:
    if isinstance(distribution, IntDistribution) and _n_values(distribution) <= _MAX_LISTED:
        return tuple(range(distribution.low, distribution.high + 1, distribution.step))
    return spread(distribution)


def _n_values(distribution: BaseDistribution) -> int:
    if isinstance(distribution, IntDistribution):
        return (distribution.high - distribution.low) // distribution.step + 1
    return 0
