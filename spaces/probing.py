"""What a space has: its parameters, their ranges, and the conditions under which they appear.

All is found by running the space on trials without a study.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import TrialPruned
from optuna.trial import BaseTrial

from spaces.errors import AllRejectedError, SpaceError, reason_of
from spaces.parameters import (
    OfflineTrial,
    ParamValue,
    RandomTrial,
    describe_range,
    spread,
)

_Suggested = TypeVar("_Suggested")

REJECTIONS = (ValueError, TrialPruned)
"""What a space raises to reject a point."""

_N_PROBES = 512
_MAX_LISTED = 32


@final
@dataclass(frozen=True)
class Parameter:
    """A parameter, its range, and its condition in words; None if it always appears."""

    name: str
    distribution: BaseDistribution
    condition: str | None


@final
class _Probe(OfflineTrial):
    """Draws from a few values of each parameter, so that every branch is soon taken."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:  # noqa: ARG002
        return self._rng.choice(_probed_values(distribution))


@final
@dataclass(frozen=True)
class Probes(Generic[_Suggested]):
    """Trials of every branch of a space.

    Attributes:
        accepted: Those that the space makes something of, with what it makes.
        rejected: Why it rejects the others; each of them counts.
    """

    accepted: list[tuple[OfflineTrial, _Suggested]]
    rejected: list[str]


def probe(suggest: Callable[[BaseTrial], _Suggested]) -> Probes[_Suggested]:
    """Return trials of every branch with their suggestions; the same every time.

    A point is rejected by a ValueError or `optuna.TrialPruned`.

    Raises:
        SpaceError: A parameter cannot be suggested like that.
        AllRejectedError: Every point is rejected.
    """
    probes: Probes[_Suggested] = Probes([], [])
    for count, trial in enumerate(_trials()):
        if count >= _N_PROBES and probes.accepted:
            break
        _add_probe(probes, suggest, trial)
    return _some(probes)


def check_possible(suggest: Callable[[BaseTrial], object], name: str) -> None:
    """Raise as `probe` does, where every point that has this parameter is rejected.

    It stops at the first one that is accepted. A parameter that no point has is possible.
    """
    probes: Probes[object] = Probes([], [])
    refused: list[str] = []
    for trial in _trials():
        accepted = _add_probe(probes, suggest, trial)
        if name in trial.params:
            if accepted:
                return
            refused.append(probes.rejected[-1])
    if refused:
        raise AllRejectedError(refused[0])
    _some(probes)


def _trials() -> Iterator[OfflineTrial]:
    """Yield trials of few values a parameter, then, as these may not go together, of any."""
    rng = random.Random(0)  # noqa: S311 - no secret
    yield from (_Probe(rng) for _ in range(_N_PROBES))
    yield from (RandomTrial(_generators(index)) for index in range(_N_PROBES))


def _some(probes: Probes[_Suggested]) -> Probes[_Suggested]:
    if not probes.accepted:
        raise AllRejectedError(probes.rejected[0])
    return probes


def _add_probe(
    probes: Probes[_Suggested], suggest: Callable[[BaseTrial], _Suggested], trial: OfflineTrial
) -> bool:
    """Add the trial to what is accepted or to what is rejected; returns whether it is accepted."""
    try:
        probes.accepted.append((trial, suggest(trial)))
    except SpaceError:
        raise
    except REJECTIONS as error:
        probes.rejected.append(reason_of(error))
        return False
    return True


def _generators(index: int) -> Callable[[str], np.random.Generator]:
    rng = np.random.default_rng(index)
    return lambda _: rng


def find_parameters(suggest: Callable[[BaseTrial], object]) -> tuple[Parameter, ...]:
    """Return the parameters in the order of suggestion; the same result every time.

    A branch that is taken by fewer than 1 in 100 draws may be missed. Raises SpaceError if a
    parameter has different ranges in two branches.
    """
    return parameters_of([trial for trial, _ in probe(suggest).accepted])


def parameters_of(trials: Sequence[OfflineTrial]) -> tuple[Parameter, ...]:
    """Return the parameters of these trials; raises as `find_parameters` does."""
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
                raise SpaceError(
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
    for controller in list(rules):  # drop the earliest first: the nearest explain best
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
    """Yield earlier parameters with the values that they had whenever this one appeared."""
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
