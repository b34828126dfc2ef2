"""Until when a search starts trials: a timeout's deadline, and what a time budget leaves."""

import statistics
import time
from typing import final

from search.recipe import Recipe
from search.training.history import History
from search.tuning.budget import Budget
from search.tuning.pruners import get_pruner
from search.tuning.records import TrialRecord

_ROUND_SHARE = 0.6  # of a time budget, for starting trials that further rounds continue


@final
class SearchClock:
    """Says whether there is time for another trial, by what those that ended took.

    Args:
        recipe: The study's recipe.
        deadline: When a timeout ends, on the monotonic clock; infinite without one.
        budget: How a limited time is spent; None without a limit.
    """

    def __init__(self, recipe: Recipe, deadline: float, budget: Budget | None) -> None:
        self._recipe, self._deadline, self._budget = recipe, deadline, budget
        self._pruner = get_pruner(recipe.pruner)
        whole_rounds = self._pruner.pauses and self._pruner.group_size is None
        self._rounds = recipe.racing or whole_rounds
        self._seconds: list[float] = []  # that trials of this run took

    def note(self, trial: TrialRecord) -> None:
        """Note what a trial took that ended in this run."""
        if trial.started is None or trial.finished is None or trial.same_as is not None:
            return
        # A trial that pauses waits for others, and what it may take is known once it is complete.
        if self._pruner.pauses and trial.state == "complete":
            self._seconds.append(trial.history.seconds())
        elif not self._pruner.pauses and trial.state in ("complete", "pruned"):
            self._seconds.append((trial.finished - trial.started).total_seconds())

    def is_spent(self, winner: TrialRecord | None) -> bool:
        """Return whether the winner so far has to be refitted now to be in time.

        Before a trial has been trained to its end there is none, so the search goes on.
        """
        if self._budget is None or winner is None:
            return False
        return self._budget.elapsed() >= self._end(self._budget, winner)

    def may_start(self, winner: TrialRecord | None, *, first: bool) -> bool:
        """Return whether a trial may start, as it is likely to end in time.

        Where all trials are continued in rounds, these need a share of the time after the last
        start.

        Args:
            winner: The best trial so far.
            first: Whether there is no other yet: a first one always starts within a budget.
        """
        if time.monotonic() >= self._deadline:
            return False
        if self._budget is None or first:
            return True
        end = self._end(self._budget, winner)
        if self._rounds:
            return self._budget.elapsed() < _ROUND_SHARE * end
        takes = statistics.fmean(self._seconds) if self._seconds else 0.0
        return self._budget.elapsed() + takes < end

    def may_plan_more(self, winner: TrialRecord | None, n_planned: int) -> bool:
        """Return whether a budget has time left for a trial beyond the plan.

        The plan is a careful guess. Only where trials of this run have ended is it known what one
        takes, so that a study whose plan is done stays as it is.
        """
        if self._budget is None or not self._seconds or self._rounds:
            return False
        left = n_planned < self._budget.most_trials
        return left and self.may_start(winner, first=False)

    def _end(self, budget: Budget, winner: TrialRecord | None) -> float:
        """Return after how many seconds of the command the search has to end."""
        history = History() if winner is None else winner.history
        epoch_seconds = history.seconds() / max(history.fold_epochs(), 1)
        return budget.search_seconds(epoch_seconds, self._recipe.epochs)
