"""Claims the study's trials in plan order; the only module that adds trials to the study."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from search.checks import describe_value_error
from search.errors import MachineError, UserError
from search.tuning.attempts import (
    Attempt,
    attempt_of,
    gave_up,
    has_failed,
    is_done,
)
from search.tuning.batches import BatchSampler
from search.tuning.drawn_points import Params
from search.tuning.feasibility import Feasibility
from search.tuning.opening import OpenStudy, further_points
from search.tuning.points import check_point
from search.tuning.samplers import get_sampler
from search.tuning.store import stored_trials, to_plain
from spaces import Candidate

_MOST_INFEASIBLE = 1000


@final
@dataclass(frozen=True)
class ClaimedTrial:
    """A trial that Optuna counts as running, with its candidate."""

    trial: Trial
    index: int
    candidate: Candidate


@final
@dataclass(frozen=True)
class InfeasibleTrial:
    """A trial whose candidate cannot be trained.

    Attributes:
        trial: The trial, which has not been ended yet.
        index: Its index in the plan.
        reason: The constraint that the candidate violates.
        closes_index: Whether the index is done with it; otherwise the sampler is asked again.
    """

    trial: Trial
    index: int
    reason: str
    closes_index: bool


@final
class TrialQueue:
    """Hands out the trials of a study in plan order; those of an adaptive sampler in batches.

    Every known point that has not ended yet is queued as a WAITING trial, so that the dashboard
    shows it: the next one when it is needed, the others by `queue_ahead`, as each takes 15 ms.
    """

    def __init__(self, opened: OpenStudy) -> None:
        self._opened, self._study, self._storage = opened, opened.study, opened.storage
        self._recipe, self._space, self._points = opened.recipe, opened.space, opened.points
        self._feasibility = Feasibility.of(opened.recipe, opened.dataset)
        self._sampler = get_sampler(opened.recipe.sampler)
        self.n_planned = self._sampler.n_planned(opened.points, opened.recipe.trials)
        self._trials = self._stored()
        self._open = {index for index in range(self.n_planned) if not self._is_done(index)}
        self._unqueued = deque(sorted(self._open))
        settled = set(range(self.n_planned)) - self._open
        self._batches = BatchSampler(self._recipe, self._space, len(self._points), settled)
        self._waiting: dict[int, int] = {}  # Optuna's trial ids, by index
        self._n_infeasible = 0  # in a row

    def claim_next(self) -> ClaimedTrial | InfeasibleTrial | None:
        """Claim the lowest open index.

        Returns None if all are claimed or done, or if an adaptive sampler first needs the results
        of the batch before. Raises UserError if the sampler finds no candidate that can be trained.
        """
        if not self._open:
            return None
        index = min(self._open)
        if self._unqueued and self._unqueued[0] == index:
            self._queue(self._unqueued.popleft())
        trial = self._claim(index)
        if trial is not None:
            candidate, reason = self._suggest(trial)
        elif self._batches.is_ready(index):
            trial, candidate, reason = self._choose(index)
        else:
            return None
        if candidate is None:
            return self._reject(trial, index, reason)
        self._open.discard(index)
        self._n_infeasible = 0
        return ClaimedTrial(trial, index, candidate)

    def next_index(self) -> int:
        """Return the index that would be claimed next: the lowest open one, or one more."""
        return min(self._open, default=self.n_planned)

    def all_claimed(self) -> bool:
        """Return whether every index of the plan has been claimed or is done."""
        return not self._open

    def plan_more(self) -> bool:
        """Add an index to the plan, which the study stores; returns False if there is no other."""
        index = self.n_planned
        if not self._sampler.adaptive and index == len(self._points):
            self._points = further_points(self._opened, 2 * index)
            if index == len(self._points):  # of a grid all points are planned
                return False
        recipe = self._recipe.model_copy(update={"trials": index + 1})
        self._study.set_user_attr("recipe", to_plain(recipe))
        self.n_planned = index + 1
        self._open.add(index)
        self._unqueued.append(index)
        return True

    def queue_ahead(self, seconds: float) -> None:
        """Queue further points, in plan order, for this many seconds."""
        end = time.monotonic() + seconds
        while self._unqueued and time.monotonic() < end:
            self._queue(self._unqueued.popleft())

    def settle(self, index: int) -> None:
        """Note that an index has a result from which an adaptive sampler can learn, or none."""
        self._batches.settle(index)

    def add_duplicate(self, index: int, original: int) -> None:
        """Note that an index will have the result of an earlier one, its original."""
        self._batches.add_duplicate(index, original)

    def n_ready(self) -> int:
        """Return how many indices could be claimed now."""
        return sum(self._batches.is_ready(index) for index in self._open)

    def is_open(self, index: int) -> bool:
        """Return whether the index is still to be claimed."""
        return index in self._open

    def is_last_attempt(self, index: int, reason: str) -> bool:
        """Return whether the index gets no further attempt if its trial fails for this reason."""
        failing = Attempt(ended=False, failed=True, reason=reason, limit=self._recipe.trial_timeout)
        self._trials = self._stored()
        return has_failed([*self._attempts(index), failing], self._recipe.trial_timeout)

    def retry_failed(self) -> int:
        """Queue the indices that failed for good again; returns how many there are.

        Each gets as many attempts as a new one.
        """
        limit = self._recipe.trial_timeout
        failed = [index for index in range(self.n_planned) if gave_up(self._attempts(index), limit)]
        points = {index: self._known_point(index) for index in failed}
        again = {index: point for index, point in points.items() if point is not None}
        for index, point in again.items():
            self._waiting[index] = self._add(index, TrialState.WAITING, point, {"retry": True})
        self._open |= again.keys()
        return len(again)

    def retry(self, index: int) -> None:
        """Queue the index of a failed or interrupted trial again."""
        self._trials = self._stored()
        self._open.add(index)
        self._queue(index)

    def _stored(self) -> dict[int, list[FrozenTrial]]:
        """Return all trials in the database by index, oldest first."""
        trials: dict[int, list[FrozenTrial]] = {}
        for trial in stored_trials(self._study):
            trials.setdefault(trial.user_attrs.get("plan", -1), []).append(trial)
        return trials

    def _is_done(self, index: int) -> bool:
        planned, limit = index < len(self._points), self._recipe.trial_timeout
        return is_done(self._attempts(index), limit, planned=planned)

    def _attempts(self, index: int) -> list[Attempt]:
        return [attempt_of(trial) for trial in self._trials.get(index, [])]

    def _suggest(self, trial: Trial) -> tuple[Candidate | None, str]:
        """Return the candidate, or None and the reason why it cannot be trained."""
        try:
            candidate = self._space.suggest(trial)
            reason, excess = self._feasibility(candidate), self._feasibility.excess(candidate)
        except ValueError as error:
            return None, describe_value_error(error)
        if excess is not None:
            trial.set_constraint("max_parameters", excess)
        return (candidate, "") if reason is None else (None, reason)

    def _reject(self, trial: Trial, index: int, reason: str) -> InfeasibleTrial:
        self._n_infeasible += 1
        if self._n_infeasible > _MOST_INFEASIBLE:
            raise UserError(
                f"space {self._space.name}: sampler {self._recipe.sampler!r} found no candidate "
                f"that can be trained in {_MOST_INFEASIBLE} tries: "
                f"{reason}{self._feasibility.smallest()}"
            )
        self._trials = self._stored()
        closes_index = index < len(self._points)
        if closes_index:
            self._open.discard(index)
        return InfeasibleTrial(trial, index, reason, closes_index)

    def _claim(self, index: int) -> Trial | None:
        trial_id = self._waiting.pop(index, None)
        if trial_id is None:
            return None
        claimed = self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        return Trial(self._study, trial_id) if claimed else None

    def _choose(self, index: int) -> tuple[Trial, Candidate | None, str]:
        """Return a trial with a point of the adaptive sampler, and what `_suggest` says of it.

        A planned point is never replaced.
        """
        if index < len(self._points):
            raise MachineError(
                f"trial with index {index} of study {self._study.study_name!r} was started by "
                "another program; end that, then run it again to resume"
            )
        self._trials = self._stored()
        chosen, reason = self._batches.choose(index, self._trials)
        trial = Trial(self._study, self._add(index, TrialState.RUNNING, chosen))
        if reason is not None:
            return trial, None, reason
        return trial, *self._suggest(trial)

    def _queue(self, index: int) -> None:
        """Add a WAITING trial with the index's known parameters, unless there is one."""
        earlier = self._trials.get(index, [])
        waiting = [t._trial_id for t in earlier if t.state == TrialState.WAITING]
        known = None if waiting else self._known_point(index)
        if waiting:
            self._waiting[index] = waiting[0]
        elif known is not None:
            self._waiting[index] = self._add(index, TrialState.WAITING, known)

    def _add(
        self,
        index: int,
        state: TrialState,
        point: FrozenTrial,
        attrs: Mapping[str, Any] = MappingProxyType({}),
    ) -> int:
        """Add a trial with the parameters of a point, and further attributes; returns its id."""
        trial = create_trial(
            state=state,
            params=point.params,
            distributions=point.distributions,
            user_attrs={"plan": index, "attempt": len(self._trials.get(index, [])), **attrs},
            system_attrs=_without_constraints(point.system_attrs),
        )
        return self._storage.create_new_trial(self._study._study_id, template_trial=trial)

    def _known_point(self, index: int) -> FrozenTrial | None:
        """Return an index's point: planned, or chosen for an earlier attempt.

        A sampler's earlier choice counts only if the space, which may have changed, has it.
        """
        if index < len(self._points):
            check_point(self._space, f"point {index} of the plan", self._points[index])
            return self._point(self._points[index], {})
        trials = self._trials.get(index, [])
        started = [trial for trial in trials if "candidate" in trial.user_attrs]
        try:
            return self._point(started[-1].params, started[-1].system_attrs) if started else None
        except ValueError:
            return None

    def _point(self, params: Params, system_attrs: Mapping[str, Any]) -> FrozenTrial:
        return create_trial(
            state=TrialState.WAITING,
            params=dict(params),
            distributions=self._space.distributions(params),
            system_attrs=dict(system_attrs),
        )


def _without_constraints(system_attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sampler noted about a trial; constraints are set when the trial is claimed."""
    return {name: one for name, one in system_attrs.items() if not name.startswith("constraints")}
