"""What is trained how far: the program's pruners, and what they could be replaced by."""

import bisect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

from search.tuning.pruners import Pruner, rungs
from tests.benchmarks.strategies.simulation import Proposer, Slice, Strategy
from tests.benchmarks.strategies.table import Curve

Steps = Iterator[tuple[Slice, Curve]]


def pruned_by(make: Callable[[int], Pruner]) -> Strategy:
    """Return the program's way: trials one after the other, each ended by a pruner or whole."""

    def run(proposer: Proposer, horizon: int) -> Steps:
        pruner = make(horizon)
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

    def run(proposer: Proposer, horizon: int) -> Steps:
        levels = [*(rung for rung in rungs(first, factor, horizon) if rung < horizon), horizon]
        values: list[list[float]] = [[] for _ in levels]  # of all that got there, ascending
        waiting: list[list[tuple[float, int]]] = [[] for _ in levels]  # ascending
        curves: list[Curve] = []
        while True:
            for level in reversed(range(len(levels) - 1)):
                if waiting[level] and _among_best(waiting[level][-1][0], values[level], factor):
                    trial, target = waiting[level].pop()[1], level + 1
                    break
            else:
                trial, target = len(curves), 0
                curves.append(proposer.propose())
            until, curve = levels[target], curves[trial]
            value = float(curve.accuracy[until - 1])
            bisect.insort(values[target], value)
            bisect.insort(waiting[target], (value, trial))
            proposer.learn(trial, until)
            yield Slice(trial, until), curve

    return run


def _among_best(value: float, values: list[float], factor: int) -> bool:
    return len(values) - bisect.bisect_right(values, value) < len(values) // factor


def short_schedules(proposer: Proposer, _horizon: int) -> Steps:
    """Train every candidate by a short, whole schedule; the best of them is the winner.

    As everywhere the winner's quality is that of a long training, which is its refit.
    """
    for trial in itertools.count():
        curve = replace((long := proposer.propose()), accuracy=long.short)
        proposer.learn(trial, len(long.short))
        yield Slice(trial, len(long.short)), curve


def best_of_first_epochs(count: int, first: int, keep: int) -> Strategy:
    """Return rounds of `count` trials for a few epochs, the best `keep` of which become whole.

    Egele et al. (2023) found one epoch and the best few hard to beat.
    """

    def run(proposer: Proposer, horizon: int) -> Steps:
        for start in itertools.count(0, count):
            curves = []
            for trial in range(start, start + count):
                curves.append(proposer.propose())
                proposer.learn(trial, first)
                yield Slice(trial, first), curves[-1]
            ranked = sorted(range(count), key=lambda i: -curves[i].accuracy[first - 1])
            for place in ranked[:keep]:
                proposer.learn(start + place, horizon)
                yield Slice(start + place, horizon), curves[place]

    return run
