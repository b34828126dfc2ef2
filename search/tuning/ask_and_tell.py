"""The study's trials in Optuna: they are claimed in plan order, and their ends recorded.

The only module that adds trials to the study and tells it how they end.
"""

import statistics
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, final

from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from search.checks import describe_value_error
from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo
from search.data.splits import class_shares
from search.errors import MachineError, UserError
from search.training.history import History, best_epoch
from search.tuning.attempts import INTERRUPTED, TIMED_OUT, Attempt, attempt_of, has_failed, is_done
from search.tuning.batches import BatchSampler
from search.tuning.feasibility import Feasibility, network_size
from search.tuning.opening import OpenStudy
from search.tuning.points import check_point
from search.tuning.records import TrialCost, TrialRecord
from search.tuning.samplers import Params, get_sampler
from search.tuning.store import read_trial, stored_trials, to_plain
from search.user_metric import get_metric
from spaces import Candidate
from spaces.candidate import describe_candidate

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
        self._study, self._storage = opened.study, opened.storage
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

    def _choose(self, index: int) -> tuple[Trial, Candidate | None, str]:
        """Return a trial with a point of the adaptive sampler, and what `_suggest` says of it.

        A planned point is never replaced.
        """
        if index < len(self._points):
            raise MachineError(
                f"trial with index {index} of study {self._study.study_name!r} was started by "
                "another program; end that, then run the same command again to resume"
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

    def _add(self, index: int, state: TrialState, point: FrozenTrial) -> int:
        """Add a trial with the parameters of a point; returns its id."""
        trial = create_trial(
            state=state,
            params=point.params,
            distributions=point.distributions,
            user_attrs={"plan": index, "attempt": len(self._trials.get(index, []))},
            system_attrs=_without_constraints(point.system_attrs),
        )
        return self._storage.create_new_trial(self._study._study_id, template_trial=trial)

    def _known_point(self, index: int) -> FrozenTrial | None:
        """Return an index's point: planned, or chosen for an earlier attempt.

        A sampler's earlier choice counts only if the space, which may have changed, has it.
        """
        if index < len(self._points):
            check_point(self._space, index, self._points[index])
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


@final
class TrialRecorder:
    """Records in Optuna how trials end."""

    def __init__(self, opened: OpenStudy) -> None:
        self._study, self._storage = opened.study, opened.storage
        self._recipe, self._dataset, self._paths = opened.recipe, opened.dataset, opened.paths
        self._metric = get_metric(opened.recipe.metric)

    def started(self, claimed: ClaimedTrial) -> None:
        """Record the candidate that is about to be trained."""
        trial, candidate = claimed.trial, claimed.candidate
        trial.set_user_attr("candidate", candidate.model_dump_json())
        trial.set_user_attr("n_parameters", network_size(candidate, self._dataset))
        trial.set_user_attr("candidate_words", describe_candidate(candidate))

    def infeasible(self, rejected: InfeasibleTrial) -> None:
        """End a trial whose candidate cannot be trained."""
        rejected.trial.set_user_attr("infeasible", True)
        rejected.trial.set_user_attr("reason", rejected.reason)
        self._study.tell(rejected.trial, state=TrialState.PRUNED)

    def complete(self, trial: Trial, history: History, cost: TrialCost) -> None:
        """End a trial that trained to its last epoch; its value is the mean over folds at E*.

        If the protocol scores the last epoch, that one counts instead.
        """
        curve = history.mean_curve(self._metric)
        last = self._recipe.protocol.scores_last_epoch
        best = len(curve) if last else best_epoch(curve, self._metric)
        scores = history.fold_scores(best, self._metric)
        trial.set_user_attr("best_epoch", best)
        trial.set_user_attr("fold_scores", scores)
        trial.set_user_attr("score_mean", curve[best - 1])
        trial.set_user_attr("score_std", statistics.pstdev(scores))
        _keep_confusion(trial, history, best)
        self._keep_history(trial, history, cost)
        self._study.tell(trial, curve[best - 1])

    def raced(self, trial: Trial, history: History, cost: TrialCost, n_folds: int) -> None:
        """End a trial after a fold race: complete if it has all folds, otherwise pruned.

        The curve that was reported, the first fold's, is replaced by the mean over its folds.
        """
        for epoch, value in enumerate(history.mean_curve(self._metric), start=1):
            self._storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
        if history.n_folds() == n_folds:
            self.complete(trial, history, cost)
        else:
            self.pruned(trial, history, cost, len(history.epochs))

    def pruned(self, trial: Trial, history: History, cost: TrialCost, epochs: int) -> None:
        """End a trial that was pruned after `epochs`; later epochs are discarded."""
        counted = history.truncated(epochs)
        _keep_confusion(trial, counted, len(counted.epochs))
        self._keep_history(trial, counted, cost)
        self._study.tell(trial, state=TrialState.PRUNED)

    def diverged(self, trial: Trial, history: History, cost: TrialCost, reason: str) -> None:
        """End a trial whose loss was not finite: its value is that of guessing."""
        trial.set_user_attr("diverged", True)
        trial.set_user_attr("reason", reason)
        self._keep_history(trial, history, cost)
        self._study.tell(trial, self._metric.chance(_shares(self._dataset)))

    def failed(self, trial: Trial, cost: TrialCost, reason: str) -> None:
        """End a trial in which the machine or the code failed."""
        trial.set_user_attr("reason", reason)
        if reason.startswith(TIMED_OUT):
            trial.set_user_attr("trial_timeout", self._recipe.trial_timeout)
        self._keep_history(trial, History(), cost)
        self._study.tell(trial, state=TrialState.FAIL)

    def duplicate(self, trial: Trial, original: TrialRecord) -> None:
        """End a duplicate with the original's result, at no cost."""
        source = self._study.get_trials(deepcopy=False)[original.number]
        own = {"plan", "attempt", *trial.user_attrs}
        for name, value in source.user_attrs.items():
            if name not in own:
                trial.set_user_attr(name, value)
        for name, value in (("same_as", original.number), ("seconds", 0.0), ("fold_epochs", 0)):
            trial.set_user_attr(name, value)
        for epoch, value in source.intermediate_values.items():
            trial.report(value, epoch)
        values = source.values if source.state == TrialState.COMPLETE else None
        self._study.tell(trial, values, state=source.state)

    def interrupted(self, trial: Trial, seen: datetime | None = None) -> None:
        """End a running trial that was stopped now, or last seen alive at `seen`."""
        last = (seen or datetime.now()).isoformat()
        self._storage.set_trial_user_attr(trial._trial_id, "last_seen", last)
        self._storage.set_trial_user_attr(trial._trial_id, "reason", INTERRUPTED)
        self._study.tell(trial, state=TrialState.FAIL)

    def end_stale_trials(self) -> None:
        """End trials that a dead run left running, as of their last write."""
        for stale in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            seen = self._last_sign(stale.number) or stale.datetime_start
            self.interrupted(Trial(self._study, stale._trial_id), seen)

    def record(self, trial: Trial) -> TrialRecord:
        """Return a trial as it is stored now."""
        return read_trial(self._storage.get_trial(trial._trial_id))

    def _last_sign(self, number: int) -> datetime | None:
        """Return when the trial last wrote a file, in local time, as Optuna's times are."""
        times = [path.stat().st_mtime for path in self._paths.trial_dir(number).rglob("*")]
        return datetime.fromtimestamp(max(times)) if times else None

    def _keep_history(self, trial: Trial, history: History, cost: TrialCost) -> None:
        trial.set_user_attr("history", to_plain(history))
        trial.set_user_attr("seconds", cost.seconds)
        trial.set_user_attr("fold_epochs", cost.fold_epochs)


def _without_constraints(system_attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sampler noted about a trial; constraints are set when the trial is claimed."""
    return {name: one for name, one in system_attrs.items() if not name.startswith("constraints")}


def _shares(dataset: DatasetInfo) -> list[float]:
    return class_shares(load_train_split(dataset).labels.numpy(), len(dataset.class_names))


def _keep_confusion(trial: Trial, history: History, epoch: int) -> None:
    counts = history.confusion(epoch) if epoch else None
    if counts is not None:
        trial.set_user_attr("confusion", counts)
