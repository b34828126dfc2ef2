"""The scored trials as lines through their parameters. Pure, but for reading the study."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import optuna
from optuna.trial import FrozenTrial

from search.metric import Metric
from search.report.plots.scales import Scale, linear_scale, parameter_scale, value_text
from search.report.trials import After, comparable_trials
from search.text import score
from search.tuning.records import StudyRecord

# None may be a choice of its own
_MISSING: Final = object()


class Dimension(NamedTuple):
    """One axis: each trial's position in 0..1 and value as text, and (position, label) ticks."""

    name: str
    positions: tuple[float, ...]
    labels: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]


class ParallelCoordinatesInfo(NamedTuple):
    """One axis per parameter, then one for the score; `values` (the scores) give the colour.

    A trial without some conditional parameter stands at that axis's tick "-". Trials are compared
    by their scores or, where `after` is given, at that point. `reason` says why there is
    nothing to draw.
    """

    numbers: tuple[int, ...]
    dimensions: tuple[Dimension, ...]
    values: tuple[float, ...]
    metric: Metric
    after: After | None = None
    reason: str | None = None


def parallel_coordinates_info(
    record: StudyRecord, study: optuna.Study, order: Sequence[str] = ()
) -> ParallelCoordinatesInfo:
    """Return the scored trials' axes: parameters in `order` first, then the others by name."""
    metric = record.recipe.metric
    frozen = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
    compared = comparable_trials(record)
    pairs = zip(compared.trials, compared.values, strict=True)
    scored = [(frozen[t.number], value) for t, value in pairs if t.number in frozen]
    trials, values = [t for t, _ in scored], tuple(v for _, v in scored)
    if not trials:
        return ParallelCoordinatesInfo((), (), (), metric, reason="no trial is complete yet")
    names = _ordered({name for trial in trials for name in trial.params}, order)
    write = partial(score, metric=metric)
    score_scale = linear_scale(min(values), max(values), write)
    return ParallelCoordinatesInfo(
        numbers=tuple(trial.number for trial in trials),
        dimensions=(
            *(_parameter(name, trials) for name in names),
            _dimension(_score_name(metric, compared.after), values, score_scale, write),
        ),
        values=values,
        metric=metric,
        after=compared.after,
    )


def _score_name(metric: Metric, after: After | None) -> str:
    unbroken = f" after {after}".replace("epoch ", "epoch\N{NO-BREAK SPACE}")
    return f"validation {metric}" + (unbroken if after else "")


def _ordered(names: set[str], order: Sequence[str]) -> list[str]:
    first = [name for name in order if name in names]
    return first + sorted(names.difference(first))


def _parameter(name: str, trials: list[FrozenTrial]) -> Dimension:
    distribution = next(t.distributions[name] for t in trials if name in t.distributions)
    values = [trial.params.get(name, _MISSING) for trial in trials]
    present = [value for value in values if value is not _MISSING]
    scale = parameter_scale(distribution, present)
    if len(present) == len(values):
        return _dimension(name, values, scale)
    above = scale.lifted()
    return Dimension(
        name=name,
        positions=tuple(0.0 if value is _MISSING else above(value) for value in values),
        labels=tuple("-" if value is _MISSING else value_text(value) for value in values),
        ticks=((0.0, "-"), *above.ticks()),
    )


def _dimension(
    name: str, values: Sequence[Any], scale: Scale, write: Callable[[Any], str] = value_text
) -> Dimension:
    positions = tuple(scale(value) for value in values)
    return Dimension(name, positions, tuple(write(value) for value in values), scale.ticks())
