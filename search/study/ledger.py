"""What a study's trials say about each index of its plan."""

from collections.abc import Sequence
from typing import final

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.study.plan import Params
from search.study.records import INTERRUPTED, SUPERSEDED, TIMED_OUT
from search.study.store import stored_trials

MOST_ATTEMPTS = 3
_NO_ATTEMPT = (INTERRUPTED, SUPERSEDED)


@final
class TrialLedger:
    """Reads the study at each `refresh`; `points` are those planned beforehand."""

    def __init__(self, study: optuna.Study, points: Sequence[Params]) -> None:
        self._study, self._points = study, points
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
        """Return whether the index needs no further trial.

        It is done with a COMPLETE or PRUNED trial, except for an infeasible one that TPE asked
        for and asks again for, or when it has failed too often.
        """
        return self.has_failed(plan) or any(
            trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
            and (self.is_planned(plan) or not trial.user_attrs.get("infeasible"))
            for trial in self.trials(plan)
        )

    def has_failed(self, plan: int, *further: str) -> bool:
        """Return whether the index failed as often as it may; interruptions do not count.

        What timed out, or equals a trial that failed so, would do so again. `further` are reasons
        to come.
        """
        failed = [trial.user_attrs for trial in self.trials(plan) if trial.state == TrialState.FAIL]
        failed = [attrs for attrs in failed if attrs.get("reason") not in _NO_ATTEMPT]
        reasons = [*(str(attrs.get("reason")) for attrs in failed), *further]
        hopeless = any("same_as" in attrs for attrs in failed)
        hopeless |= any(reason.startswith(TIMED_OUT) for reason in reasons)
        return hopeless or len(reasons) >= MOST_ATTEMPTS

    def known_params(self, plan: int) -> Params | None:
        """Return the index's parameters: planned, or those that TPE gave it; None if neither."""
        if self.is_planned(plan):
            return self._points[plan]
        suggested = [t.params for t in self.trials(plan) if "candidate" in t.user_attrs]
        return suggested[-1] if suggested else None
