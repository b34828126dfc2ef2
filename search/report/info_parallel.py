"""The scored trials as lines through their parameters. Pure, but for reading the study."""

from collections.abc import Sequence
from typing import NamedTuple

import optuna
from optuna.trial import FrozenTrial

from search.report.kinds import scored_trials
from search.report.scales import Scale, linear_scale, parameter_scale
from search.report.text import score
from search.study.records import StudyRecord
from search.training.history import Metric


class Dimension(NamedTuple):
    """One axis: a position in 0..1 for each trial, and (position, label) ticks."""

    name: str
    positions: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]


class ParallelCoordinatesInfo(NamedTuple):
    """One axis per parameter, then one for the score; `values` (the scores) give the colour.

    A trial without some conditional parameter stands at that axis's tick "-". `reason` says why
    there is nothing to draw.
    """

    numbers: tuple[int, ...]
    dimensions: tuple[Dimension, ...]
    values: tuple[float, ...]
    metric: Metric
    reason: str | None = None


def parallel_coordinates_info(
    record: StudyRecord, study: optuna.Study, order: Sequence[str] = ()
) -> ParallelCoordinatesInfo:
    """Return the scored trials' axes: parameters in `order` first, then the others by name."""
    metric = record.recipe.metric
    frozen = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
    scored = [(frozen[t.number], v) for t, v in scored_trials(record) if t.number in frozen]
    trials, values = [t for t, _ in scored], tuple(v for _, v in scored)
    if not trials:
        return ParallelCoordinatesInfo((), (), (), metric, "no trial is complete yet")
    names = _ordered({name for trial in trials for name in trial.params}, order)
    score_scale = linear_scale(min(values), max(values), lambda value: score(value, metric))
    return ParallelCoordinatesInfo(
        numbers=tuple(trial.number for trial in trials),
        dimensions=(
            *(_parameter(name, trials) for name in names),
            _dimension(f"validation {metric}", values, score_scale),
        ),
        values=values,
        metric=metric,
    )


def _ordered(names: set[str], order: Sequence[str]) -> list[str]:
    first = [name for name in order if name in names]
    return first + sorted(names.difference(first))


def _parameter(name: str, trials: list[FrozenTrial]) -> Dimension:
    distribution = next(t.distributions[name] for t in trials if name in t.distributions)
    values = [trial.params.get(name) for trial in trials]
    missing = any(name not in trial.params for trial in trials)
    if not missing:
        return _dimension(name, values, parameter_scale(distribution, values))
    present = [value for value, t in zip(values, trials, strict=True) if name in t.params]
    scale = parameter_scale(distribution, present).lifted()
    positions = [scale(t.params[name]) if name in t.params else 0.0 for t in trials]
    return Dimension(name, tuple(positions), ((0.0, "-"), *scale.ticks()))


def _dimension(name: str, values: Sequence[object], scale: Scale) -> Dimension:
    return Dimension(name, tuple(scale(value) for value in values), scale.ticks())
