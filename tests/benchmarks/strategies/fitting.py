"""A prior fitted to recorded trainings: how often good candidates have which values."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution

from spaces import Space
from spaces.parameters import ParamValue
from spaces.prior import Belief, Bell, Weights
from tests.benchmarks.strategies.table import Task

GOOD_SHARE = 0.1
"""The share of a task's candidates that are good."""

_LEAST = 8  # good candidates that a bell is fitted to
_PRIOR_COUNT = 4.0  # candidates of average merit that every choice is taken to have had, too


def fit_beliefs(
    space: Space, tasks: Sequence[Task], share: float = GOOD_SHARE
) -> dict[str, Belief]:
    """Return beliefs by parameter, but for numbers that few good candidates have.

    A choice's weight is the share of good candidates among those that have it, so that it does
    not matter how often it was recorded. A bell has the mean and the deviation of good values.
    """
    known = [one for task in tasks for one in _judged(task, share)]
    beliefs: dict[str, Belief] = {}
    for parameter in space.parameters():
        having = [(one[parameter.name], good) for one, good in known if parameter.name in one]
        belief = _fit(parameter.distribution, having) if having else None
        if belief is not None:
            beliefs[parameter.name] = belief
    return beliefs


def _judged(task: Task, share: float) -> Iterator[tuple[dict[str, ParamValue], bool]]:
    """Yield the task's candidates, but for the hand-tuned network, and whether each is good."""
    indices = [index for index in task.curves if index]
    least = float(np.quantile([task.quality(index) for index in indices], 1 - share))
    for index in indices:
        yield dict(task.candidates[index]), task.quality(index) >= least


def _fit(
    distribution: BaseDistribution, having: Sequence[tuple[ParamValue, bool]]
) -> Belief | None:
    if isinstance(distribution, CategoricalDistribution):
        return _weights(distribution, having)
    values = np.array([value for value, good in having if good], dtype=float)
    if len(values) < _LEAST:
        return None
    if getattr(distribution, "log", False):
        logarithms = np.log(values)
        return Bell(math.exp(logarithms.mean()), math.exp(logarithms.std()))
    return Bell(float(values.mean()), float(values.std()))


def _weights(
    distribution: CategoricalDistribution, having: Sequence[tuple[ParamValue, bool]]
) -> Weights:
    average = sum(good for _, good in having) / len(having)
    shares = {
        choice: (sum(good for value, good in having if value == choice) + _PRIOR_COUNT * average)
        / (sum(value == choice for value, _ in having) + _PRIOR_COUNT)
        for choice in distribution.choices
    }
    return Weights({choice: share / sum(shares.values()) for choice, share in shares.items()})
