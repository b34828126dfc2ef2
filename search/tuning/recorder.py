"""Records in Optuna what becomes of a study's trials."""

import math
import statistics
from datetime import datetime
from typing import final

from optuna.trial import Trial, TrialState

from cifar_models import count_parameters
from search.metric import Metric
from search.training.history import History, best_epoch
from search.tuning.attempts import INTERRUPTED, TIMED_OUT
from search.tuning.opening import OpenStudy
from search.tuning.queue import ClaimedTrial, InfeasibleTrial
from search.tuning.records import TrialCost, TrialRecord
from search.tuning.store import read_trial, to_plain
from spaces.candidate import describe_candidate


@final
class TrialRecorder:
    """The only one that tells Optuna how trials end."""

    def __init__(self, opened: OpenStudy) -> None:
        self._study, self._storage = opened.study, opened.storage
        self._recipe, self._dataset, self._paths = opened.recipe, opened.dataset, opened.paths

    @property
    def metric(self) -> Metric:
        """Return the metric by which trials are scored."""
        return self._recipe.metric

    def started(self, claimed: ClaimedTrial) -> None:
        """Record what is about to be trained."""
        trial, model = claimed.trial, claimed.candidate.model
        classes = len(self._dataset.class_names)
        trial.set_user_attr("candidate", claimed.candidate.model_dump_json())
        count = count_parameters(model, self._dataset.image_shape, classes)
        trial.set_user_attr("n_parameters", count)
        trial.set_user_attr("candidate_words", describe_candidate(claimed.candidate))

    def infeasible(self, rejected: InfeasibleTrial) -> None:
        """End a trial whose candidate cannot be trained."""
        rejected.trial.set_user_attr("infeasible", True)
        rejected.trial.set_user_attr("reason", rejected.reason)
        self._study.tell(rejected.trial, state=TrialState.PRUNED)

    def complete(self, trial: Trial, history: History, cost: TrialCost) -> None:
        """End a trial that was trained to its end; its value is the mean over folds at E*.

        Where the protocol scores the last epoch, that one counts instead.
        """
        curve = history.mean_curve(self.metric)
        last = self._recipe.protocol.scores_last_epoch
        best = len(curve) if last else best_epoch(curve, self.metric)
        scores = history.fold_scores(best, self.metric)
        trial.set_user_attr("best_epoch", best)
        trial.set_user_attr("fold_scores", scores)
        trial.set_user_attr("score_mean", curve[best - 1])
        trial.set_user_attr("score_std", statistics.pstdev(scores))
        _keep_confusion(trial, history, best)
        self._keep_history(trial, history, cost)
        self._study.tell(trial, curve[best - 1])

    def raced(self, trial: Trial, history: History, cost: TrialCost, n_folds: int) -> None:
        """End a trial after a fold race: complete if it has all the folds, otherwise pruned.

        The curve reported so far was the first fold's; the mean over all its folds replaces it.
        """
        for epoch, value in enumerate(history.mean_curve(self.metric), start=1):
            self._storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
        if history.n_folds() == n_folds:
            self.complete(trial, history, cost)
        else:
            self.pruned(trial, history, cost, len(history.epochs))

    def pruned(self, trial: Trial, history: History, cost: TrialCost, epochs: int) -> None:
        """End a trial that was pruned after `epochs`; what it trained beyond is discarded."""
        counted = history.truncated(epochs)
        _keep_confusion(trial, counted, len(counted.epochs))
        self._keep_history(trial, counted, cost)
        self._study.tell(trial, state=TrialState.PRUNED)

    def diverged(self, trial: Trial, history: History, cost: TrialCost, reason: str) -> None:
        """End a trial whose loss was not finite: it is worth chance."""
        trial.set_user_attr("diverged", True)
        trial.set_user_attr("reason", reason)
        self._keep_history(trial, history, cost)
        classes = len(self._dataset.class_names)
        self._study.tell(trial, 1 / classes if self.metric == "accuracy" else math.log(classes))

    def failed(self, trial: Trial, cost: TrialCost, reason: str) -> None:
        """End a trial that failed by the machine's or the code's fault."""
        trial.set_user_attr("reason", reason)
        if reason.startswith(TIMED_OUT):
            trial.set_user_attr("trial_timeout", self._recipe.trial_timeout)
        self._keep_history(trial, History(), cost)
        self._study.tell(trial, state=TrialState.FAIL)

    def duplicate(self, trial: Trial, original: TrialRecord) -> None:
        """End a trial whose candidate another one had first: it gets that result, at no cost."""
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
        """End a running trial that was stopped now, or was last seen alive then."""
        last = (seen or datetime.now()).isoformat()
        self._storage.set_trial_user_attr(trial._trial_id, "last_seen", last)
        self._storage.set_trial_user_attr(trial._trial_id, "reason", INTERRUPTED)
        self._study.tell(trial, state=TrialState.FAIL)

    def end_stale_trials(self) -> None:
        """End the trials that a dead run left running, as of when they last wrote anything."""
        for stale in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            seen = self._last_sign(stale.number) or stale.datetime_start
            self.interrupted(Trial(self._study, stale._trial_id), seen)

    def record(self, trial: Trial) -> TrialRecord:
        """Return a trial as it is stored now."""
        return read_trial(self._storage.get_trial(trial._trial_id))

    def _last_sign(self, number: int) -> datetime | None:
        """Return the newest time of the trial's files, local as Optuna's times are."""
        times = [path.stat().st_mtime for path in self._paths.trial_dir(number).rglob("*")]
        return datetime.fromtimestamp(max(times)) if times else None

    def _keep_history(self, trial: Trial, history: History, cost: TrialCost) -> None:
        trial.set_user_attr("history", to_plain(history))
        trial.set_user_attr("seconds", cost.seconds)
        trial.set_user_attr("fold_epochs", cost.fold_epochs)


def _keep_confusion(trial: Trial, history: History, epoch: int) -> None:
    counts = history.confusion(epoch) if epoch else None
    if counts is not None:
        trial.set_user_attr("confusion", counts)
