"""Writes into Optuna how trials went: the attributes that `store.py` reads."""

import math
import statistics
from typing import final

import optuna
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState

from cifar_models import count_parameters
from search.data.dataset import DatasetInfo
from search.study.records import TrialRecord
from search.study.store import read_trial, to_plain
from search.training.history import History, Metric, best_epoch
from spaces import Candidate


@final
class Teller:
    """The only one that tells Optuna a trial's end."""

    def __init__(
        self, study: optuna.Study, storage: BaseStorage, metric: Metric, dataset: DatasetInfo
    ) -> None:
        self.metric: Metric = metric
        self._study, self._storage, self._dataset = study, storage, dataset

    def started(self, trial: Trial, candidate: Candidate) -> None:
        """Record what is about to be trained."""
        classes = len(self._dataset.class_names)
        count = count_parameters(candidate.model, self._dataset.image_shape, classes)
        trial.set_user_attr("n_parameters", count)

    def complete(self, trial: Trial, history: History) -> None:
        """Tell a trial that was trained to its end: its value is the mean over folds at E*."""
        curve = history.mean_curve(self.metric)
        best = best_epoch(curve, self.metric)
        scores = history.fold_scores(best, self.metric)
        trial.set_user_attr("best_epoch", best)
        trial.set_user_attr("fold_scores", scores)
        trial.set_user_attr("score_mean", curve[best - 1])
        trial.set_user_attr("score_std", statistics.pstdev(scores))
        self._record_history(trial, history, len(history.epochs))
        self._study.tell(trial, curve[best - 1])

    def pruned(self, trial: Trial, history: History, epochs: int) -> None:
        """Tell a trial that was pruned after `epochs`; what it trained beyond is dropped."""
        self._record_history(trial, history, epochs)
        self._study.tell(trial, state=TrialState.PRUNED)

    def diverged(self, trial: Trial, history: History, reason: str) -> None:
        """Tell a trial whose loss was not finite: it is worth chance."""
        trial.set_user_attr("diverged", True)
        trial.set_user_attr("reason", reason)
        self._record_history(trial, history, len(history.epochs))
        classes = len(self._dataset.class_names)
        self._study.tell(trial, 1 / classes if self.metric == "accuracy" else math.log(classes))

    def failed(self, trial: Trial, history: History, reason: str) -> None:
        """Tell a trial that the machine or the code failed."""
        trial.set_user_attr("reason", reason)
        self._record_history(trial, history, 0)
        self._study.tell(trial, state=TrialState.FAIL)

    def record(self, trial_id: int) -> TrialRecord:
        """Return a trial, by Optuna's id, as it is stored now."""
        return read_trial(self._storage.get_trial(trial_id))

    def _record_history(self, trial: Trial, history: History, accepted: int) -> None:
        trial.set_user_attr("history", to_plain(history.truncated(accepted)))
        trial.set_user_attr("seconds", history.seconds())
        trial.set_user_attr("epochs_trained", len(history.epochs))
