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
        self._seconds: list[float] = []  # that trials of this run took, whole ones if they pause
        self._looks: list[float] = []  # that trials took which paused and were not continued

    def note(self, trial: TrialRecord) -> None:
        """Note what a trial took that ended in this run."""
        if trial.started is None or trial.finished is None or trial.same_as is not None:
            return
        if trial.state not in ("complete", "pruned"):
            return
        if self._pruner.pauses:  # without the time in which it waited for others
            kept = self._seconds if trial.state == "complete" else self._looks
            kept.append(trial.history.seconds())
        else:
            self._seconds.append((trial.finished - trial.started).total_seconds())

    def is_spent(self, winner: TrialRecord | None) -> bool:
        """Return whether the winner so far has to be refitted now to be in time.

        Before a trial has been trained to its end there is none, so the search goes on.
        """
        if self._budget is None or winner is None:
            return False
        return self._budget.elapsed() >= self._end(self._budget, winner)

    def may_start(self, winner: TrialRecord | None, index: int, *, first: bool) -> bool:
        """Return whether a trial may start, as it is likely to end in time.

        Where all trials are continued in rounds, these need a share of the time after the last
        start.

        Args:
            winner: The best trial so far.
            index: Its place in the plan.
            first: Whether there is no other yet: a first one always starts within a budget.
        """
        if time.monotonic() >= self._deadline:
            return False
        if self._budget is None or first:
            return True
        end = self._end(self._budget, winner)
        if self._rounds:
            return self._budget.elapsed() < _ROUND_SHARE * end
        return self._budget.elapsed() + self._takes(index) < end

    def _takes(self, index: int) -> float:
        """Return the seconds until a trial ends, as far as it is known what trials take.

        One of a group is continued, if it is, once the others are there.
        """
        whole = statistics.fmean(self._seconds) if self._seconds else 0.0
        if self._pruner.group_size is None or not self._looks:
            return whole
        to_come = self._pruner.group_size - index % self._pruner.group_size
        return whole + to_come * statistics.fmean(self._looks) / max(self._recipe.workers, 1)

    def may_plan_more(self, winner: TrialRecord | None, n_planned: int) -> bool:
        """Return whether a budget has time left for a trial beyond the plan.

        The plan is a careful guess. Only where trials of this run have ended is it known what one
        takes, so that a study whose plan is done stays as it is.
        """
        if self._budget is None or not self._seconds or self._rounds:
            return False
        left = n_planned < self._budget.most_trials
        return left and self.may_start(winner, n_planned, first=False)

    def _end(self, budget: Budget, winner: TrialRecord | None) -> float:
        """Return after how many seconds of the command the search has to end."""
        history = History() if winner is None else winner.history
        epoch_seconds = history.seconds() / max(history.fold_epochs(), 1)
        return budget.search_seconds(epoch_seconds, self._recipe.epochs)
