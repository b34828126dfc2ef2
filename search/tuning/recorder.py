"""Records in Optuna how trials end; the only module that ends them."""

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, final

from optuna.trial import FrozenTrial, Trial, TrialState

from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo
from search.data.splits import class_shares
from search.objectives import LATENCY, objectives_of
from search.training.history import History, best_epoch
from search.tuning.ask_and_tell import ClaimedTrial, InfeasibleTrial
from search.tuning.attempts import INTERRUPTED, TIMED_OUT
from search.tuning.feasibility import network_costs, network_size
from search.tuning.opening import OpenStudy
from search.tuning.records import TrialCost, TrialRecord
from search.tuning.store import read_trial, to_plain
from search.tuning.trial_values import ReportedValues, note
from spaces.candidate import describe_candidate


@final
class TrialRecorder:
    """Records in Optuna how trials end."""

    def __init__(self, opened: OpenStudy) -> None:
        self._study, self._storage = opened.study, opened.storage
        self._recipe, self._dataset, self._paths = opened.recipe, opened.dataset, opened.paths
        recipe = opened.recipe
        self._objectives = objectives_of(recipe.metric, recipe.objective, recipe.choose)
        self._metric = self._objectives.metric
        self._reported = ReportedValues(opened.storage)

    def started(self, claimed: ClaimedTrial) -> None:
        """Record the candidate that is about to be trained."""
        candidate = claimed.candidate
        values: dict[str, Any] = {
            "candidate": candidate.model_dump_json(),
            "n_parameters": network_size(candidate, self._dataset),
            "candidate_words": describe_candidate(candidate),
        }
        if self._objectives.several:
            values["costs"] = network_costs(candidate, self._dataset)
        note(claimed.trial, values)

    def placed(self, trial: Trial, hosts: Sequence[str]) -> None:
        """Record the machines of a cluster that a trial has run on."""
        trial.set_user_attr("hosts", list(hosts))

    def infeasible(self, rejected: InfeasibleTrial) -> TrialRecord:
        """End a trial whose candidate cannot be trained."""
        note(rejected.trial, {"infeasible": True, "reason": rejected.reason})
        return self._end(rejected.trial, TrialState.PRUNED)

    def complete(self, trial: Trial, history: History, cost: TrialCost) -> TrialRecord:
        """End a trial that trained to its last epoch; its value is the mean over folds at E*.

        If the protocol scores the last epoch, that one counts instead.
        """
        curve = history.mean_curve(self._metric)
        best = self.scored_epoch(curve)
        scores = history.fold_scores(best, self._metric)
        values = {
            "best_epoch": best,
            "fold_scores": scores,
            "score_mean": curve[best - 1],
            "score_std": statistics.pstdev(scores),
        }
        note(trial, values | _confusion(history, best) | _history(history, cost))
        return self._end(trial, TrialState.COMPLETE, self._values(trial, curve[best - 1]))

    def scored_epoch(self, curve: Sequence[float]) -> int:
        """Return the epoch, counted from 1, whose mean over folds is a whole trial's value."""
        last = self._recipe.protocol.scores_last_epoch
        return len(curve) if last else best_epoch(curve, self._metric)

    def report(self, trial: Trial, value: float, epoch: int) -> None:
        """Report an epoch, which `write` or the trial's end stores."""
        self._reported.add(trial._trial_id, epoch, value)

    def write(self) -> None:
        """Store what has been reported."""
        self._reported.write()

    def measured_latency(self, trial: Trial, latency: float) -> None:
        """Note the milliseconds that the trial's network takes for one image."""
        trial.set_user_attr("costs", trial.user_attrs["costs"] | {LATENCY.name: latency})

    def raced(self, trial: Trial, history: History, cost: TrialCost, n_folds: int) -> TrialRecord:
        """End a trial after a fold race: complete if it has all folds, otherwise pruned.

        The curve that was reported, the first fold's, is replaced by the mean over its folds.
        """
        for epoch, value in enumerate(history.mean_curve(self._metric), start=1):
            self.report(trial, value, epoch)
        if history.n_folds() == n_folds:
            return self.complete(trial, history, cost)
        return self.pruned(trial, history, cost, len(history.epochs))

    def pruned(self, trial: Trial, history: History, cost: TrialCost, epochs: int) -> TrialRecord:
        """End a trial that was pruned after `epochs`; later epochs are discarded.

        Its value is the last that was reported, unless there are several objectives.
        """
        counted = history.truncated(epochs)
        note(trial, _confusion(counted, len(counted.epochs)) | _history(counted, cost))
        last = [] if self._objectives.several else counted.mean_curve(self._metric)[-1:]
        return self._end(trial, TrialState.PRUNED, last or None)

    def diverged(self, trial: Trial, history: History, cost: TrialCost, reason: str) -> TrialRecord:
        """End a trial whose loss was not finite: its value is that of guessing."""
        note(trial, {"diverged": True, "reason": reason} | _history(history, cost))
        chance = self._metric.chance(_shares(self._dataset))
        return self._end(trial, TrialState.COMPLETE, self._values(trial, chance))

    def failed(self, trial: Trial, cost: TrialCost, reason: str) -> TrialRecord:
        """End a trial in which the machine or the code failed."""
        values: dict[str, Any] = {"reason": reason}
        if reason.startswith(TIMED_OUT):
            values["trial_timeout"] = self._recipe.trial_timeout
        note(trial, values | _history(History(), cost))
        return self._end(trial, TrialState.FAIL)

    def duplicate(self, trial: Trial, original: TrialRecord) -> TrialRecord:
        """End a duplicate with the original's result, at no cost."""
        source = self._study.get_trials(deepcopy=False)[original.number]
        own = {"plan", "attempt", *trial.user_attrs}
        values = {name: value for name, value in source.user_attrs.items() if name not in own}
        note(trial, values | {"same_as": original.number, "seconds": 0.0, "fold_epochs": 0})
        for epoch, value in source.intermediate_values.items():
            self.report(trial, value, epoch)
        return self._end(trial, source.state, source.values)

    def interrupted(self, trial: Trial, seen: datetime | None = None) -> None:
        """End a running trial that was stopped now, or last seen alive at `seen`."""
        self.write()
        last = (seen or datetime.now(UTC)).astimezone(UTC).isoformat()
        self._storage.set_trial_user_attr(trial._trial_id, "last_seen", last)
        self._storage.set_trial_user_attr(trial._trial_id, "reason", INTERRUPTED)
        self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)

    def end_stale_trials(self) -> None:
        """End trials that a dead run left running, as of their last write."""
        for stale in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            seen = self._last_sign(stale.number) or stale.datetime_start
            self.interrupted(Trial(self._study, stale._trial_id), seen)

    def _last_sign(self, number: int) -> datetime | None:
        """Return when the trial last wrote a file."""
        times = [path.stat().st_mtime for path in self._paths.trial_dir(number).rglob("*")]
        return datetime.fromtimestamp(max(times), UTC) if times else None

    def _values(self, trial: Trial, score: float) -> Sequence[float]:
        """Return the values of all objectives of a trial with this score."""
        return self._objectives.values(score, trial.user_attrs.get("costs", {}))

    def _end(
        self, trial: Trial, state: TrialState, values: Sequence[float] | None = None
    ) -> TrialRecord:
        """End a trial, and return it as it is stored then.

        `Study.tell` and a look at the result would read it three times, an eighth of all that a
        trial costs. As there, a value that is no number makes a trial a failed one.
        """
        if values is not None and any(map(math.isnan, values)):
            values = None
            state = TrialState.FAIL if state == TrialState.COMPLETE else state
        self.write()
        self._storage.set_trial_state_values(trial._trial_id, state, values)
        return read_trial(
            FrozenTrial(
                number=trial.number,
                trial_id=trial._trial_id,
                state=state,
                value=None,
                values=values,
                datetime_start=trial.datetime_start,
                datetime_complete=datetime.now(),  # local, as Optuna's times are
                params=trial.params,
                distributions=trial.distributions,
                user_attrs=trial.user_attrs,
                system_attrs={},
                intermediate_values={},
            )
        )


def _shares(dataset: DatasetInfo) -> list[float]:
    return class_shares(load_train_split(dataset).labels.numpy(), len(dataset.class_names))


def _confusion(history: History, epoch: int) -> dict[str, Any]:
    counts = history.confusion(epoch) if epoch else None
    return {} if counts is None else {"confusion": counts}


def _history(history: History, cost: TrialCost) -> dict[str, Any]:
    return {
        "history": to_plain(history),
        "seconds": cost.seconds,
        "fold_epochs": cost.fold_epochs,
    }
