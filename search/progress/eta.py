"""How long a running search still takes: its estimate, corrected by the throughput so far."""

import math
from dataclasses import dataclass
from typing import final

from search.progress.state import SearchProgress
from search.tuning.estimate import Estimate


@final
@dataclass
class Eta:
    """The time left of a search and its refit, updated at events and counted down between them.

    Work is counted in epochs of single folds. The estimate weighs as much as one trial trained in
    this run; without one, the time left is unknown until an epoch has ended. Times are those of
    `time.monotonic`, in seconds.
    """

    progress: SearchProgress
    estimate: Estimate | None
    began: float
    _end: float | None = None

    def update(self, now: float) -> None:
        """Update the time left from the progress."""
        pace = self._pace(now)
        self._end = None if pace is None else now + self._search(pace, now) + self._refit()

    def seconds_left(self, now: float) -> float | None:
        """Return the seconds until search and refit are done, None if unknown."""
        return None if self._end is None else max(self._end - now, 0.0)

    def is_late(self, now: float) -> bool:
        """Return whether the timeout keeps trials from starting."""
        return self._until_timeout(now) <= 0 and self._n_unstarted() > 0

    def _search(self, pace: float, now: float) -> float:
        """Return the seconds of the epochs still to train, at `pace` seconds an epoch."""
        progress, timeout = self.progress, self._until_timeout(now)
        running = [self._to_come(epochs) for epochs in progress.epochs_running()]
        alone = pace * max(len(running), 1)  # an epoch's, on a worker
        rest = max(running, default=0.0) * alone
        if self.is_late(now):
            return max(pace * self._race_to_come(progress.n_started), rest)
        ahead = sum(running) + self._n_unstarted() * self._trial_epochs()
        ahead = max(ahead, self._race_to_come(progress.n_started + self._n_unstarted()))
        return min(max(pace * ahead, rest), timeout + self._trial_epochs() * alone)

    def _pace(self, now: float) -> float | None:
        """Return the seconds per epoch of one fold, with all workers together."""
        trained, spent = float(self.progress.epochs_trained()), now - self.began
        estimate = self.estimate
        if estimate is not None:
            spent += estimate.search.middle / estimate.n_open
            trained += estimate.epochs / estimate.n_open
        return spent / trained if trained else None

    def _trial_epochs(self) -> float:
        """Return how many epochs a trial is expected to train."""
        ended, estimate = self.progress.epochs_ended, self.estimate
        if estimate is None:
            return sum(ended) / len(ended) if ended else self._whole()
        one = estimate.epochs / estimate.n_open
        return one if self.progress.recipe.racing else (one + sum(ended)) / (1 + len(ended))

    def _to_come(self, epochs: float) -> float:
        """Return the epochs that a running trial still takes, without jumps.

        A new trial is expected to train for the mean; the closer it gets to that, the more likely
        it is never pruned.
        """
        mean, whole = self._trial_epochs(), self._whole()
        sure = min(epochs / mean, 1.0) if mean else 1.0
        return max(min(mean, whole) * (1 - sure) + whole * sure - epochs, 0.0)

    def _race_to_come(self, n_trials: int) -> float:
        """Return the epochs that a race of `n_trials` still takes, 0 without a race."""
        if not self.progress.recipe.racing:
            return 0.0
        return max(n_trials * self._trial_epochs() - self.progress.epochs_trained(), 0.0)

    def _whole(self) -> float:
        recipe = self.progress.recipe
        return float(recipe.epochs * (1 if recipe.racing else recipe.n_folds))

    def _n_unstarted(self) -> int:
        progress = self.progress
        return max(progress.n_planned - progress.done() - len(progress.running), 0)

    def _until_timeout(self, now: float) -> float:
        timeout = self.progress.recipe.timeout
        return math.inf if timeout is None else self.began + timeout - now

    def _refit(self) -> float:
        return 0.0 if self.estimate is None else self.estimate.refit.middle
