"""Between Optuna's attributes and plain records: the one place that knows the attribute names."""

import math
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, final

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState
from pydantic import TypeAdapter, ValidationError

from cifar_models import count_parameters
from search.data.dataset import DatasetInfo
from search.errors import UserError
from search.metric import Metric
from search.recipe import Recipe
from search.training.history import Confusion, History, best_epoch
from search.training.metrics import TestResult
from search.tuning.attempts import INTERRUPTED, SUPERSEDED, TIMED_OUT
from search.tuning.records import (
    AcceptedChange,
    RefitRecord,
    RepeatResult,
    StudyRecord,
    TestOpening,
    TrialRecord,
    TrialStateName,
)
from spaces import Candidate
from spaces.describe import describe_candidate

T = TypeVar("T")

_STATES: dict[TrialState, TrialStateName] = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


# Of the confusion matrices of all epochs a trial's attributes keep one.
_NOT_STORED: dict[type, Any] = {
    History: {"epochs": {"__all__": {"__all__": {"confusion"}}}},
    RefitRecord: {"history": {"epochs": {"__all__": {"__all__": {"confusion"}}}}},
}


def to_plain(value: object) -> Any:
    """Return a record as the plain JSON values that Optuna stores."""
    kind = type(value)
    return TypeAdapter(kind).dump_python(value, mode="json", exclude=_NOT_STORED.get(kind))


def from_plain(kind: type[T], value: object) -> T:
    """Return the record that `to_plain` made plain."""
    return TypeAdapter(kind).validate_python(value)


def read_trial(trial: FrozenTrial) -> TrialRecord:
    """Return a trial as stored."""
    attrs = trial.user_attrs
    return TrialRecord(
        number=trial.number,
        plan=attrs.get("plan", trial.number),
        attempt=attrs.get("attempt", 0),
        state=_STATES[trial.state],
        params=dict(trial.params),
        candidate=Candidate.from_json(attrs["candidate"]) if "candidate" in attrs else None,
        value=trial.value,
        best_epoch=attrs.get("best_epoch"),
        fold_scores=tuple(attrs.get("fold_scores", ())),
        mean=attrs.get("score_mean"),
        std=attrs.get("score_std"),
        history=from_plain(History, attrs.get("history", {"epochs": []})),
        confusion=from_plain(Confusion, attrs["confusion"]) if "confusion" in attrs else None,
        n_parameters=attrs.get("n_parameters"),
        seconds=attrs.get("seconds", 0.0),
        fold_epochs=attrs.get("fold_epochs", 0),
        diverged=attrs.get("diverged", False),
        infeasible=attrs.get("infeasible", False),
        reason=attrs.get("reason"),
        same_as=attrs.get("same_as"),
        trial_timeout=attrs.get("trial_timeout"),
        started=trial.datetime_start,
        finished=_finished(trial),
    )


def _finished(trial: FrozenTrial) -> datetime | None:
    """Return when it ended; for an interrupted one its last sign of life.

    Older studies stored that of none: when the next run found it is not when it ended.
    """
    if trial.user_attrs.get("reason") != INTERRUPTED:
        return trial.datetime_complete
    seen = trial.user_attrs.get("last_seen")
    return None if seen is None else datetime.fromisoformat(seen)


def read_study(study: optuna.Study) -> StudyRecord:
    """Return a study as stored.

    Raises UserError for a study that this program did not make, or whose attributes are damaged.

    A trial that was superseded before it began is none of its trials.
    """
    attrs = study.user_attrs
    try:
        return StudyRecord(
            name=study.study_name,
            recipe=Recipe.model_validate(attrs["recipe"]),
            dataset=from_plain(DatasetInfo, attrs["dataset"]),
            folds_hash=attrs["folds_hash"],
            versions=attrs["versions"],
            hardware=attrs["hardware"],
            trials=tuple(read_trial(trial) for trial in stored_trials(study)),
            refit=from_plain(RefitRecord, attrs["refit"]) if attrs.get("refit") else None,
            test=from_plain(TestResult, attrs["test"]) if attrs.get("test") else None,
            repeats=from_plain(tuple[RepeatResult, ...], attrs.get("repeats") or ()),
            openings=read_openings(study),
            space_code=attrs.get("space_code"),
            changes=from_plain(tuple[AcceptedChange, ...], attrs.get("accepted_changes", ())),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise UserError(
            f"study {study.study_name!r} was not written by this program, or is damaged: "
            f"{_first_line(error)}"
        ) from error


def stored_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the study's trials but for those superseded before they began."""
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.user_attrs.get("reason") != SUPERSEDED]


def read_openings(study: optuna.Study) -> tuple[TestOpening, ...]:
    """Return the recorded openings of the test split, oldest first."""
    return from_plain(tuple[TestOpening, ...], study.user_attrs.get("test_openings", []))


def add_change(study: optuna.Study, stored: StudyRecord, changes: tuple[str, ...]) -> None:
    """Note a change of the code that was accepted now, after those noted before."""
    ended = sum(trial.state in ("complete", "pruned") for trial in stored.trials)
    noted = (*stored.changes, AcceptedChange(datetime.now(UTC), ended, changes))
    study.set_user_attr("accepted_changes", [to_plain(change) for change in noted])


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__} {str(error).splitlines()[0]}"


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
        self._at_end = recipe.protocol.scores_last_epoch
        self._trial_timeout = recipe.trial_timeout
        self._study, self._storage, self._dataset = study, storage, dataset

    def started(self, trial: Trial, candidate: Candidate) -> None:
        """Record what is about to be trained."""
        classes = len(self._dataset.class_names)
        count = count_parameters(candidate.model, self._dataset.image_shape, classes)
        trial.set_user_attr("n_parameters", count)
        trial.set_user_attr("candidate_words", describe_candidate(candidate))

    def complete(self, trial: Trial, history: History, effort: Effort) -> None:
        """Tell a trial that was trained to its end: its value is the mean over folds at E*.

        A replication is scored after the last epoch instead.
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
