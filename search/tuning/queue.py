"""Which index of the plan runs next, and as which Optuna trial."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from pydantic import ValidationError

from search.errors import UserError
from search.paths import RunPaths
from search.recipe import Recipe
from search.seeding import derive_seed
from search.settings import describe_errors
from search.tuning.attempts import INTERRUPTED, Attempt, attempt_of, has_failed, is_done
from search.tuning.points import Params
from search.tuning.preparing import Feasibility
from search.tuning.samplers import get_sampler
from search.tuning.store import stored_trials
from spaces import Candidate, Space


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


def fail_interrupted(
    study: optuna.Study, storage: BaseStorage, trial: Trial, seen: datetime | None = None
) -> None:
    """Fail a running trial that was last seen alive then, or is stopped now."""
    last = (seen or datetime.now()).isoformat()
    storage.set_trial_user_attr(trial._trial_id, "last_seen", last)
    storage.set_trial_user_attr(trial._trial_id, "reason", INTERRUPTED)
    study.tell(trial, state=TrialState.FAIL)


def fail_orphans(study: optuna.Study, storage: BaseStorage, paths: RunPaths) -> None:
    """Fail the trials that a dead coordinator left running, as of when they last wrote anything."""
    for orphan in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        seen = _last_sign(paths, orphan.number) or orphan.datetime_start
        fail_interrupted(study, storage, Trial(study, orphan._trial_id), seen)


def _last_sign(paths: RunPaths, number: int) -> datetime | None:
    """Return the newest time of the trial's files, local as Optuna's times are."""
    times = [path.stat().st_mtime for path in paths.trial_dir(number).rglob("*")]
    return datetime.fromtimestamp(max(times)) if times else None


_MOST_INFEASIBLE = 1000


@final
@dataclass(frozen=True)
class Started:
    """A trial that Optuna counts as running, with the candidate it stands for."""

    trial: Trial
    plan: int
    candidate: Candidate


@final
@dataclass(frozen=True)
class Rejected:
    """A trial whose candidate cannot be trained; told as pruned, with its constraint.

    `closed` says whether its plan index is thereby done; TPE asks again under the same index.
    """

    trial_id: int
    plan: int
    closed: bool


@final
class TrialQueue:
    """Hands out the trials of a study in plan order; the only one that asks Optuna.

    Every planned point
    that has not ended yet is queued as a WAITING trial, so that the dashboard shows it: the next
    one when it is needed, the others by `queue_ahead`, as each takes some 15 ms.
    """

    def __init__(
        self,
        study: optuna.Study,
        storage: BaseStorage,
        recipe: Recipe,
        space: Space,
        points: Sequence[Params],
        feasibility: Feasibility,
    ) -> None:
        self._study, self._storage, self._recipe = study, storage, recipe
        self._space, self._feasibility = space, feasibility
        self._ledger = TrialLedger(study, points, recipe.trial_timeout)
        self._rejections = 0
        self._sampler = get_sampler(recipe.sampler)
        self.n_planned = self._sampler.n_planned(points, recipe.trials)
        self._open = {plan for plan in range(self.n_planned) if not self._ledger.is_done(plan)}
        self._unqueued = deque(sorted(self._open))
        self._waiting: dict[int, int] = {}  # Optuna's trial ids

    def next(self) -> Started | Rejected | None:
        """Start the open trial of the lowest plan index; None where all are started or done.

        Raises UserError where a sampler finds no candidate that can be trained.
        """
        if not self._open:
            return None
        plan = min(self._open)
        if self._unqueued and self._unqueued[0] == plan:
            self._queue(self._unqueued.popleft())
        trial = self._claim(plan) or self._ask(plan)
        candidate, reason = self._suggest(trial)
        if candidate is None:
            return self._reject(trial, plan, reason)
        self._open.discard(plan)
        self._rejections = 0
        trial.set_user_attr("candidate", candidate.model_dump_json())
        return Started(trial, plan, candidate)

    def queue_ahead(self, seconds: float) -> None:
        """Queue further points, in plan order, until the time is up."""
        end = time.monotonic() + seconds
        while self._unqueued and time.monotonic() < end:
            self._queue(self._unqueued.popleft())

    def n_open(self) -> int:
        """Return how many indices are still to be started."""
        return len(self._open)

    def is_open(self, plan: int) -> bool:
        """Return whether the index is still to be started."""
        return plan in self._open

    def is_last_attempt(self, plan: int, reason: str) -> bool:
        """Return whether the index has failed too often once its trial fails for this reason."""
        self._ledger.refresh()
        return self._ledger.has_failed(plan, reason)

    def retry(self, plan: int) -> None:
        """Queue a failed index again."""
        self._ledger.refresh()
        self._open.add(plan)
        self._queue(plan)

    def put_back(self, started: Started) -> None:
        """Queue the index of an interrupted trial again; it is no attempt that counts."""
        fail_interrupted(self._study, self._storage, started.trial)
        self.retry(started.plan)

    def _suggest(self, trial: Trial) -> tuple[Candidate | None, str]:
        try:
            candidate = self._space.suggest(trial)
            reason, excess = self._feasibility(candidate), self._feasibility.excess(candidate)
        except ValidationError as error:
            return None, describe_errors(error)
        except ValueError as error:
            return None, str(error)
        if excess is not None:
            trial.set_constraint("max_parameters", excess)
        return (candidate, "") if reason is None else (None, reason)

    def _reject(self, trial: Trial, plan: int, reason: str) -> Rejected:
        self._rejections += 1
        if self._rejections > _MOST_INFEASIBLE:
            raise UserError(
                f"space {self._space.name}: {self._recipe.sampler} found no candidate that can be "
                f"trained in {_MOST_INFEASIBLE} tries: {reason}{self._feasibility.least()}"
            )
        trial.set_user_attr("infeasible", True)
        trial.set_user_attr("reason", reason)
        self._study.tell(trial, state=TrialState.PRUNED)
        self._ledger.refresh()
        closed = self._ledger.is_planned(plan)
        if closed:
            self._open.discard(plan)
        return Rejected(trial._trial_id, plan, closed)

    def _claim(self, plan: int) -> Trial | None:
        trial_id = self._waiting.pop(plan, None)
        if trial_id is None:
            return None
        claimed = self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        return Trial(self._study, trial_id) if claimed else None

    def _ask(self, plan: int) -> Trial:
        attempt = len(self._ledger.trials(plan))
        seed = derive_seed(self._recipe.seed, self._sampler.name, plan, attempt) % 2**32
        self._study.sampler = self._sampler.optuna_sampler(seed)
        trial = self._study.ask()
        trial.set_user_attr("plan", plan)
        trial.set_user_attr("attempt", attempt)
        return trial

    def _queue(self, plan: int) -> None:
        """Add a WAITING trial with the index's known parameters, unless there is one."""
        earlier = self._ledger.trials(plan)
        waiting = [t._trial_id for t in earlier if t.state == TrialState.WAITING]
        params = self._ledger.known_params(plan)
        if waiting:
            self._waiting[plan] = waiting[0]
        elif params is not None and self._allows(params):
            trial = create_trial(
                state=TrialState.WAITING,
                params=dict(params),
                distributions=self._space.distributions(params),
                user_attrs={"plan": plan, "attempt": len(earlier)},
            )
            study_id = self._study._study_id
            self._waiting[plan] = self._storage.create_new_trial(study_id, template_trial=trial)

    def _allows(self, params: Params) -> bool:
        """Return whether the space, which may have changed, has the point."""
        try:
            self._space.distributions(params)
        except ValueError:
            return False
        return True
