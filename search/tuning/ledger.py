"""What a study's trials say about each index of its plan."""

from collections.abc import Sequence
from typing import final

import optuna
from optuna.trial import FrozenTrial

from search.tuning.attempts import Attempt, attempt_of, has_failed, is_done
from search.tuning.points import Params
from search.tuning.store import stored_trials


@final
class TrialLedger:
    """Reads the study at each `refresh`; `points` are those planned beforehand.

    `trial_timeout` is the present limit in seconds: what timed out under a shorter one is open.
    """

    def __init__(
        self, study: optuna.Study, points: Sequence[Params], trial_timeout: float | None
    ) -> None:
        self._study, self._points, self._limit = study, points, trial_timeout
        self._trials: dict[int, list[FrozenTrial]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read all trials anew; waiting ones are read one by one from the database."""
        self._trials = {}
        for trial in stored_trials(self._study):
            self._trials.setdefault(trial.user_attrs.get("plan", -1), []).append(trial)

    def trials(self, plan: int) -> list[FrozenTrial]:
        """Return all trials of the index as of the last refresh, oldest first."""
        return self._trials.get(plan, [])

    def is_planned(self, plan: int) -> bool:
        """Return whether the index's point was known before the first trial."""
        return plan < len(self._points)

    def is_done(self, plan: int) -> bool:
        """Return whether the index needs no further trial (see `attempts.is_done`)."""
        return is_done(self._attempts(plan), self._limit, planned=self.is_planned(plan))

    def has_failed(self, plan: int, reason: str) -> bool:
        """Return whether the index has failed too often once a trial of it does for this reason."""
        coming = Attempt(ended=False, failed=True, reason=reason, limit=self._limit)
        return has_failed([*self._attempts(plan), coming], self._limit)

    def _attempts(self, plan: int) -> list[Attempt]:
        return [attempt_of(trial) for trial in self.trials(plan)]

    def known_params(self, plan: int) -> Params | None:
        """Return the index's parameters: planned, or those that TPE gave it; None if neither."""
        if self.is_planned(plan):
            return self._points[plan]
        suggested = [t.params for t in self.trials(plan) if "candidate" in t.user_attrs]
        return suggested[-1] if suggested else None
