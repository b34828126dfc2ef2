"""Fold racing: which trials earn how many folds. Pure.

Every trial is first trained on one fold, under the pruner. The best third of those that reach the
last epoch, at least two, earns a second fold, the best third of these earns more, and so on up to
all folds: successive halving (Jamieson and Talwalkar, 2016) with folds as the budget. Trials are
compared on the folds that all of them have.
"""

import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import final

import numpy as np

from search.metric import Metric
from search.training.history import History

FoldCurves = Sequence[Sequence[float]]


def fold_levels(n_folds: int) -> tuple[int, ...]:
    """Return the numbers of folds at which trials are compared, from 1 to `n_folds`.

    They double, and the last step is never shorter than the one before: 1, 2, 5 for five folds.
    """
    levels = [1]
    while levels[-1] < n_folds:
        doubled = 2 * levels[-1]
        levels.append(doubled if 2 * doubled <= n_folds else n_folds)
    return tuple(levels)


def promotions(
    standings: Mapping[int, FoldCurves], n_folds: int, closed: Collection[int] = ()
) -> tuple[tuple[int, ...], int]:
    """Return which trials earned more folds, best first, and how many folds each gets in all.

    An empty tuple means that the race is over. A trial that diverges on a later fold is left out
    of the standings, and the next best takes its place.

    Args:
        standings: By index in the plan, the curve of each fold that a trial was trained on (higher
            is better), up to the last epoch.
        n_folds: How many folds there are.
        closed: Trials that ended in an earlier run: they compete, but are not trained further.
    """
    for level, following in pairwise(fold_levels(n_folds)):
        rivals = [index for index, curves in standings.items() if len(curves) >= level]
        rivals.sort(key=lambda index: (-best_mean(standings[index][:level]), index))
        earned = tuple(
            index
            for index in rivals[: n_promoted(len(rivals), level)]
            if len(standings[index]) < following and index not in closed
        )
        if earned:
            return earned, following
    return (), n_folds


def n_promoted(n_rivals: int, level: int) -> int:
    """Return how many of the trials with `level` folds are promoted: a third, rounded up.

    From the first fold at least two are, so that more than one fold decides.
    """
    return max(math.ceil(n_rivals / 3), 2 if level == 1 else 1)


def best_mean(curves: FoldCurves) -> float:
    """Return the best value of the mean over folds, as trials are scored."""
    return max(fmean(values) for values in zip(*curves, strict=True))


def split_folds(folds: Sequence[int], parts: int) -> list[tuple[int, ...]]:
    """Return the folds in order, split into parts of nearly equal size, larger ones first."""
    return [tuple(part.tolist()) for part in np.array_split(folds, parts)]


@final
class FoldRace:
    """Decides which trials earn further folds; one instance per run.

    `ended` holds, by index, the histories of trials that reached the last epoch in earlier runs:
    they compete, but are not trained further.
    """

    def __init__(self, n_folds: int, metric: Metric, ended: Mapping[int, History]) -> None:
        self._n_folds, self._metric = n_folds, metric
        self._ended = dict(ended)
        self._earned: deque[tuple[int, int]] = deque()

    def promote(self, rivals: Mapping[int, History]) -> tuple[tuple[int, ...], int]:
        """Return the indices that earn further folds, and how many folds each gets in all.

        `rivals` are the histories of all trials in the race, none of which is training. Without
        an index, the race is over.
        """
        histories = self._ended | dict(rivals)
        standings = {index: self._curves(history) for index, history in histories.items()}
        promoted, n_folds = promotions(standings, self._n_folds, self._ended)
        for index in promoted:
            folds = range(histories[index].n_folds(), n_folds)
            self._earned.extend((index, fold) for fold in folds)
        return promoted, n_folds

    def next_fold(self) -> tuple[int, int] | None:
        """Return the next (index, fold) to train, or None."""
        return self._earned.popleft() if self._earned else None

    def withdraw(self, index: int) -> None:
        """Drop the folds of a trial that has ended."""
        self._earned = deque(one for one in self._earned if one[0] != index)

    def _curves(self, history: History) -> list[list[float]]:
        curves = history.fold_curves(self._metric)
        return [self._metric.as_higher_is_better(curve) for curve in curves]
