"""What is trained how far: the program's pruners, and what they could be replaced by."""

import bisect
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import final

import numpy as np

from search.tuning.pruners import Pruner, rungs
from tests.benchmarks.strategies.simulation import Proposer, Slice, Strategy
from tests.benchmarks.strategies.table import Curve, Floats

Steps = Iterator[tuple[Slice, Curve]]


def pruned_by(make: Callable[[int, int], Pruner]) -> Strategy:
    """Return the program's way: trials one after the other, each ended by a pruner or whole.

    Args:
        make: Returns the pruner for a number of epochs and a seed.
    """

    def run(proposer: Proposer, horizon: int, seed: int) -> Steps:
        pruner = make(horizon, seed)
        reached: dict[int, dict[int, list[float]]] = {}  # by epoch, the trials that got there
        for trial in itertools.count():
            curve = proposer.propose()
            until = horizon
            for epoch in range(1, horizon):
                if not pruner.decides_at(trial, epoch):
                    continue
                values = curve.accuracy[:epoch].tolist()
                earlier = reached.setdefault(epoch, {})
                prunes = pruner.prunes(trial, values, earlier)
                earlier[trial] = values
                if prunes:
                    until = epoch
                    break
            proposer.learn(trial, until)
            yield Slice(trial, until), curve

    return run


def promotion(first: int, factor: int) -> Strategy:
    """Return ASHA (Li et al., 2020): trials pause at rungs, the best of each are trained on."""

    def run(proposer: Proposer, horizon: int, seed: int) -> Steps:
        ladder = _Ladder(first, factor, horizon)
        while True:
            yield ladder.climb(proposer, len(ladder.levels) - 1)

    return run


def progressive_promotion(first: int, factor: int, tolerance: float = 0.025) -> Strategy:
    """Return PASHA (Bohdal et al., 2023): ASHA that trains no further than rankings still change.

    It begins with three rungs. Another one is opened whenever the trials at the top are not in the
    order that they had at the rung below; differences up to `tolerance` count as equal.
    """

    def run(proposer: Proposer, horizon: int, seed: int) -> Steps:
        ladder = _Ladder(first, factor, horizon)
        top = min(2, len(ladder.levels) - 1)
        while True:
            yield ladder.climb(proposer, top)
            if top < len(ladder.levels) - 1 and ladder.reorders(top, tolerance):
                top += 1

    return run


@final
class _Ladder:
    """Rungs with the trials that reached them; `levels` are their epochs, the last the horizon."""

    def __init__(self, first: int, factor: int, horizon: int) -> None:
        self.levels = [*(r for r in rungs(first, factor, horizon) if r < horizon), horizon]
        self._factor = factor
        self._values: list[list[float]] = [[] for _ in self.levels]  # of all there, ascending
        self._waiting: list[list[tuple[float, int]]] = [[] for _ in self.levels]  # ascending
        self._curves: list[Curve] = []

    def climb(self, proposer: Proposer, top: int) -> tuple[Slice, Curve]:
        """Train the most advanced promotable trial to its next rung, or else a new one."""
        trial, target = self._next(proposer, top)
        until, curve = self.levels[target], self._curves[trial]
        value = float(curve.accuracy[until - 1])
        bisect.insort(self._values[target], value)
        bisect.insort(self._waiting[target], (value, trial))
        proposer.learn(trial, until)
        return Slice(trial, until), curve

    def _next(self, proposer: Proposer, top: int) -> tuple[int, int]:
        for level in reversed(range(top)):
            waiting, values = self._waiting[level], self._values[level]
            if waiting and _among_best(waiting[-1][0], values, self._factor):
                return waiting.pop()[1], level + 1
        self._curves.append(proposer.propose())
        return len(self._curves) - 1, 0

    def reorders(self, level: int, tolerance: float) -> bool:
        """Return whether two trials at `level` are in another order than one rung below."""
        below, here = self.levels[level - 1] - 1, self.levels[level] - 1
        curves = [self._curves[trial].accuracy for _, trial in self._waiting[level]]
        return any(
            (one[below] - other[below] > tolerance) and (other[here] - one[here] > tolerance)
            for one, other in itertools.permutations(curves, 2)
        )


def extrapolated(first: int, every: int, startup: int = 5) -> Strategy:
    """Return a rule that ends trials whose predicted best is too low, by earlier whole trials.

    Every `every` epochs from `first` the best value of a whole training is regressed on the value
    at that epoch, over the whole trainings so far. A trial ends if the prediction, with twice the
    residuals' standard deviation added, is below the best so far.
    """

    def run(proposer: Proposer, horizon: int, seed: int) -> Steps:
        whole: list[Floats] = []
        for trial in itertools.count():
            curve = proposer.propose()
            until = horizon
            for epoch in range(first, horizon, every):
                if len(whole) >= startup and _is_predicted_worse(curve.accuracy, epoch, whole):
                    until = epoch
                    break
            if until == horizon:
                whole.append(curve.accuracy)
            proposer.learn(trial, until)
            yield Slice(trial, until), curve

    return run


def _is_predicted_worse(curve: Floats, epoch: int, whole: list[Floats]) -> bool:
    early = np.array([one[:epoch].max() for one in whole])
    final_values = np.array([one.max() for one in whole])
    slope, intercept = np.polyfit(early, final_values, 1) if np.ptp(early) > 0 else (1.0, 0.0)
    residuals = final_values - (slope * early + intercept)
    reach = slope * curve[:epoch].max() + intercept + 2 * float(residuals.std(ddof=1))
    return bool(reach < final_values.max())


def _among_best(value: float, values: list[float], factor: int) -> bool:
    return len(values) - bisect.bisect_right(values, value) < len(values) // factor


def short_schedules(proposer: Proposer, _horizon: int, _seed: int) -> Steps:
    """Train every candidate by a short, whole schedule; the best of them is the winner.

    As everywhere the winner's quality is that of a long training, which is its refit.

    Raises:
        ValueError: The task has too few recorded short schedules to predict others from.
    """
    for trial in itertools.count():
        yield from _short(proposer, proposer.propose(), trial)


def short_then_whole(count: int, keep: int) -> Strategy:
    """Return rounds of `count` short schedules, the best `keep` of which get a long one each.

    A long training starts from the beginning, as its schedule is another one.
    """

    def run(proposer: Proposer, horizon: int, seed: int) -> Steps:
        numbers = itertools.count()
        while True:
            curves = [proposer.propose() for _ in range(count)]
            for long in curves:
                yield from _short(proposer, long, next(numbers))
            for long in sorted(curves, key=lambda one: -one.short.max())[:keep]:
                yield Slice(next(numbers), horizon), long

    return run


def _short(proposer: Proposer, long: Curve, trial: int) -> Steps:
    if not len(long.short):
        raise ValueError("too few short schedules were recorded to replay them")
    proposer.learn(trial, len(long.short))
    yield Slice(trial, len(long.short)), replace(long, accuracy=long.short)


def best_of_group(count: int, *looks: tuple[int, int]) -> Strategy:
    """Return rounds of `count` trials, of which fewer and fewer continue to the horizon.

    Egele et al. (2023) found one epoch and the best few hard to beat.

    Args:
        count: Trials of a group.
        looks: At which epochs those that are left are compared, and how many continue.
    """

    def run(proposer: Proposer, horizon: int, seed: int) -> Steps:
        for start in itertools.count(0, count):
            curves = {trial: proposer.propose() for trial in range(start, start + count)}
            left = list(curves)
            for epoch, keep in looks:
                yield from ((Slice(trial, epoch), curves[trial]) for trial in left)
                ranked = sorted(left, key=_value_at(curves, epoch), reverse=True)
                for trial in sorted(ranked[keep:]):
                    proposer.learn(trial, epoch)
                left = ranked[:keep]
            for trial in left:
                proposer.learn(trial, horizon)
                yield Slice(trial, horizon), curves[trial]

    return run


def _value_at(curves: Mapping[int, Curve], epoch: int) -> Callable[[int], float]:
    return lambda trial: float(curves[trial].accuracy[epoch - 1])
