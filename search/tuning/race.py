"""The state of a fold race: who takes part, and which folds are still to be trained."""

from collections import deque
from collections.abc import Mapping
from typing import final

from search.training.history import History, Metric
from search.tuning.racing import promotions
from search.tuning.rules import as_higher_is_better


@final
class FoldRace:
    """Decides which trials earn further folds; one instance a run.

    `ended` holds, by plan index, the histories of trials that reached the last epoch in earlier
    runs: they compete, but are not trained any further.
    """

    def __init__(self, n_folds: int, metric: Metric, ended: Mapping[int, History]) -> None:
        self._n_folds, self._metric = n_folds, metric
        self._ended = dict(ended)
        self._earned: deque[tuple[int, int]] = deque()

    def promote(self, rivals: Mapping[int, History]) -> tuple[tuple[int, ...], int]:
        """Return the plan indices that earn further folds, and up to which number of folds.

        `rivals` are all trials in the race, none of them in training. No index: the race is over.
        """
        histories = self._ended | dict(rivals)
        standings = {plan: self._curves(history) for plan, history in histories.items()}
        plans, n_folds = promotions(standings, self._n_folds, self._ended)
        for plan in plans:
            folds = range(histories[plan].n_folds(), n_folds)
            self._earned.extend((plan, fold) for fold in folds)
        return plans, n_folds

    def next_fold(self) -> tuple[int, int] | None:
        """Return the next (plan index, fold) to train, or None."""
        return self._earned.popleft() if self._earned else None

    def withdraw(self, plan: int) -> None:
        """Forget the folds of a trial that has ended."""
        self._earned = deque(one for one in self._earned if one[0] != plan)

    def _curves(self, history: History) -> list[list[float]]:
        curves = history.fold_curves(self._metric)
        return [as_higher_is_better(curve, self._metric) for curve in curves]
