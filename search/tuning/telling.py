"""Writes into Optuna how trials went: the attributes that `store.py` reads."""

import math
import statistics
from dataclasses import dataclass
from typing import final

import optuna
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState

from cifar_models import count_parameters
from search.data.dataset import DatasetInfo
from search.recipe import Recipe
from search.training.history import History, Metric, best_epoch
from search.tuning.attempts import TIMED_OUT
from search.tuning.records import TrialRecord
from search.tuning.store import read_trial, to_plain
from spaces import Candidate
from spaces.describe import describe_candidate


@final
@dataclass(frozen=True)
class Effort:
    """What a trial took, in vain or not: seconds of its folds added up, and their epochs."""

    seconds: float
    fold_epochs: int


@final
class Teller:
    """The only one that tells Optuna a trial's end."""

    def __init__(
        self, study: optuna.Study, storage: BaseStorage, recipe: Recipe, dataset: DatasetInfo
    ) -> None:
        self.metric: Metric = recipe.metric
        self._at_end, self._trial_timeout = recipe.as_reported, recipe.trial_timeout
        self._study, self._storage, self._dataset = study, storage, dataset

    def started(self, trial: Trial, candidate: Candidate) -> None:
        """Record what is about to be trained."""
        classes = len(self._dataset.class_names)
        count = count_parameters(candidate.model, self._dataset.image_shape, classes)
        trial.set_user_attr("n_parameters", count)
        trial.set_user_attr("candidate_words", describe_candidate(candidate))

    def complete(self, trial: Trial, history: History, effort: Effort) -> None:
        """Tell a trial that was trained to its end: its value is the mean over folds at E*.

        The baseline is scored as reported, after the last epoch.
        """
        curve = history.mean_curve(self.metric)
        best = len(curve) if self._at_end else best_epoch(curve, self.metric)
        scores = history.fold_scores(best, self.metric)
        trial.set_user_attr("best_epoch", best)
        trial.set_user_attr("fold_scores", scores)
        trial.set_user_attr("score_mean", curve[best - 1])
        trial.set_user_attr("score_std", statistics.pstdev(scores))
        _keep_confusion(trial, history, best)
        self._record(trial, history, effort)
        self._study.tell(trial, curve[best - 1])

    def raced(self, trial: Trial, history: History, effort: Effort, n_folds: int) -> None:
        """Tell a trial at the end of a fold race: complete with all the folds, otherwise pruned.

        The curve reported so far was the first fold's; the mean over all it has replaces it.
        """
        for epoch, value in enumerate(history.mean_curve(self.metric), start=1):
            self._storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
        if history.n_folds() == n_folds:
            self.complete(trial, history, effort)
        else:
            self.pruned(trial, history, effort, len(history.epochs))

    def pruned(self, trial: Trial, history: History, effort: Effort, epochs: int) -> None:
        """Tell a trial that was pruned after `epochs`; what it trained beyond is dropped."""
        counted = history.truncated(epochs)
        _keep_confusion(trial, counted, len(counted.epochs))
        self._record(trial, counted, effort)
        self._study.tell(trial, state=TrialState.PRUNED)

    def diverged(self, trial: Trial, history: History, effort: Effort, reason: str) -> None:
        """Tell a trial whose loss was not finite: it is worth chance."""
        trial.set_user_attr("diverged", True)
        trial.set_user_attr("reason", reason)
        self._record(trial, history, effort)
        classes = len(self._dataset.class_names)
        self._study.tell(trial, 1 / classes if self.metric == "accuracy" else math.log(classes))

    def failed(self, trial: Trial, effort: Effort, reason: str) -> None:
        """Tell a trial that the machine or the code failed."""
        trial.set_user_attr("reason", reason)
        if reason.startswith(TIMED_OUT):
            trial.set_user_attr("trial_timeout", self._trial_timeout)
        self._record(trial, History(), effort)
        self._study.tell(trial, state=TrialState.FAIL)

    def repeated(self, trial: Trial, original: TrialRecord) -> None:
        """Tell a trial whose candidate another had: it has that one's result, at no cost."""
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

    def record(self, trial_id: int) -> TrialRecord:
        """Return a trial, by Optuna's id, as it is stored now."""
        return read_trial(self._storage.get_trial(trial_id))

    def _record(self, trial: Trial, history: History, effort: Effort) -> None:
        trial.set_user_attr("history", to_plain(history))
        trial.set_user_attr("seconds", effort.seconds)
        trial.set_user_attr("fold_epochs", effort.fold_epochs)


def _keep_confusion(trial: Trial, history: History, epoch: int) -> None:
    counts = history.confusion(epoch) if epoch else None
    if counts is not None:
        trial.set_user_attr("confusion", counts)
