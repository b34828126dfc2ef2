"""Which index of the plan runs next, and as which Optuna trial."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from search.checks import describe_value_error
from search.errors import MachineError, UserError
from search.seeding import derive_seed
from search.tuning.attempts import Attempt, attempt_of, has_failed, is_done
from search.tuning.opening import OpenStudy
from search.tuning.preparing import Feasibility, check_point
from search.tuning.records import TrialRecord
from search.tuning.samplers import Params, get_sampler
from search.tuning.store import stored_trials
from spaces import Candidate

_MOST_INFEASIBLE = 1000


@final
@dataclass(frozen=True)
class ClaimedTrial:
    """A trial that Optuna counts as running, with the candidate it stands for."""

    trial: Trial
    index: int
    candidate: Candidate


@final
@dataclass(frozen=True)
class InfeasibleTrial:
    """A trial whose candidate cannot be trained.

    Attributes:
        trial: The trial, which is still to be ended.
        index: Its index in the plan.
        reason: The constraint that the candidate violates.
        closes_index: Whether the index is thereby done; an adaptive sampler is asked again.
    """

    trial: Trial
    index: int
    reason: str
    closes_index: bool


@final
class TrialQueue:
    """Hands out the trials of a study in plan order; the only one that asks Optuna.

    Every point that is known beforehand and has not ended yet is queued as a WAITING trial, so
    that the dashboard shows it: the next one when it is needed, the others by `queue_ahead`, as
    each takes some 15 ms.
    """

    def __init__(self, opened: OpenStudy) -> None:
        self._study, self._storage = opened.study, opened.storage
        self._recipe, self._space, self._points = opened.recipe, opened.space, opened.points
        self._feasibility = Feasibility(opened.dataset, opened.recipe.max_parameters)
        self._sampler = get_sampler(opened.recipe.sampler)
        self.n_planned = self._sampler.n_planned(opened.points, opened.recipe.trials)
        self._trials = self._stored()
        self._open = {index for index in range(self.n_planned) if not self._is_done(index)}
        self._unqueued = deque(sorted(self._open))
        self._waiting: dict[int, int] = {}  # Optuna's trial ids by index
        self._n_infeasible = 0  # one after the other

    def claim_next(self) -> ClaimedTrial | InfeasibleTrial | None:
        """Claim the open trial of the lowest index; None where all are claimed or done.

        Raises UserError where a sampler finds no candidate that can be trained.
        """
        if not self._open:
            return None
        index = min(self._open)
        if self._unqueued and self._unqueued[0] == index:
            self._queue(self._unqueued.popleft())
        trial = self._claim(index) or self._ask(index)
        candidate, reason = self._suggest(trial)
        if candidate is None:
            return self._reject(trial, index, reason)
        self._open.discard(index)
        self._n_infeasible = 0
        return ClaimedTrial(trial, index, candidate)

    def queue_ahead(self, seconds: float) -> None:
        """Queue further points, in plan order, until the time is up."""
        end = time.monotonic() + seconds
        while self._unqueued and time.monotonic() < end:
            self._queue(self._unqueued.popleft())

    def n_open(self) -> int:
        """Return how many indices are still to be claimed."""
        return len(self._open)

    def is_open(self, index: int) -> bool:
        """Return whether the index is still to be claimed."""
        return index in self._open

    def is_last_attempt(self, index: int, reason: str) -> bool:
        """Return whether the index is given up once its trial fails for this reason."""
        failing = Attempt(ended=False, failed=True, reason=reason, limit=self._recipe.trial_timeout)
        self._trials = self._stored()
        return has_failed([*self._attempts(index), failing], self._recipe.trial_timeout)

    def retry(self, index: int) -> None:
        """Queue the index of a failed or interrupted trial again."""
        self._trials = self._stored()
        self._open.add(index)
        self._queue(index)

    def _stored(self) -> dict[int, list[FrozenTrial]]:
        """Return all trials by index, oldest first, as they are in the database now."""
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
                f"space {self._space.name}: {self._sampler.name} found no candidate that can be "
                f"trained in {_MOST_INFEASIBLE} tries: {reason}{self._feasibility.smallest()}"
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

    def _ask(self, index: int) -> Trial:
        """Ask the adaptive sampler for a point; a planned point is never replaced by another."""
        if index < len(self._points):
            raise MachineError(
                f"trial with index {index} of study {self._study.study_name!r} was started by "
                "another program; end that, then run the same command again to resume"
            )
        attempt = len(self._trials.get(index, []))
        seed = derive_seed(self._recipe.seed, self._sampler.name, index, attempt) % 2**32
        self._study.sampler = self._sampler.optuna_sampler(seed)
        trial = self._study.ask()
        trial.set_user_attr("plan", index)
        trial.set_user_attr("attempt", attempt)
        return trial

    def _queue(self, index: int) -> None:
        """Add a WAITING trial with the index's known parameters, unless there is one."""
        earlier = self._trials.get(index, [])
        waiting = [t._trial_id for t in earlier if t.state == TrialState.WAITING]
        params = self._known_params(index)
        if waiting:
            self._waiting[index] = waiting[0]
        elif params is not None:
            trial = create_trial(
                state=TrialState.WAITING,
                params=dict(params),
                distributions=self._space.distributions(params),
                user_attrs={"plan": index, "attempt": len(earlier)},
            )
            study_id = self._study._study_id
            self._waiting[index] = self._storage.create_new_trial(study_id, template_trial=trial)

    def _known_params(self, index: int) -> Params | None:
        """Return an index's parameters: planned, or suggested to an earlier attempt.

        A sampler's earlier suggestion counts only if the space, which may have changed, has it.
        """
        if index < len(self._points):
            check_point(self._space, index, self._points[index])
            return self._points[index]
        trials = self._trials.get(index, [])
        suggested = [trial.params for trial in trials if "candidate" in trial.user_attrs]
        return suggested[-1] if suggested and self._allows(suggested[-1]) else None

    def _allows(self, params: Params) -> bool:
        try:
            self._space.distributions(params)
        except ValueError:
            return False
        return True


@final
class Duplicates:
    """Holds back trials whose candidate another trial had first; they get its result.

    Args:
        ended: The trials of earlier runs whose results may be taken over.
        repeat: Whether duplicates train all the same, each with its own seed.
    """

    def __init__(self, ended: Iterable[TrialRecord], *, repeat: bool = False) -> None:
        self._repeat = repeat
        self._first: dict[str, int] = {}
        self._ended: dict[int, TrialRecord] = {}
        self._held: list[ClaimedTrial] = []
        for record in ended:
            if record.candidate is not None and record.same_as is None:
                self._first.setdefault(record.candidate.model_dump_json(), record.plan)
                self.add_ended(record)

    def hold(self, claimed: ClaimedTrial) -> bool:
        """Hold a duplicate until the original has ended; returns False if it is the original."""
        if self._repeat:
            return False
        first = self._first.setdefault(claimed.candidate.model_dump_json(), claimed.index)
        if first != claimed.index:
            self._held.append(claimed)
        return first != claimed.index

    def add_ended(self, record: TrialRecord) -> None:
        """Take the last trial of an index, with which the index has ended."""
        self._ended[record.plan] = record

    def held(self) -> list[ClaimedTrial]:
        """Return the trials that are held back."""
        return list(self._held)

    def release(self) -> list[tuple[ClaimedTrial, TrialRecord]]:
        """Return the held trials whose original has ended, each with the original."""
        pairs = [(claimed, self._original(claimed)) for claimed in self._held]
        self._held = [claimed for claimed, original in pairs if original is None]
        return [(claimed, original) for claimed, original in pairs if original is not None]

    def _original(self, claimed: ClaimedTrial) -> TrialRecord | None:
        return self._ended.get(self._first[claimed.candidate.model_dump_json()])
