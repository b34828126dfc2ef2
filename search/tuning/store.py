"""Reads studies: from Optuna's attributes to plain records."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState
from pydantic import TypeAdapter, ValidationError

from search.data.dataset import DatasetInfo
from search.data.quality import DataQuality
from search.errors import UserError, describe_error
from search.metric import Metric
from search.protocol import protocol_of
from search.recipe import Recipe
from search.training.history import Confusion, History
from search.training.metrics import TestResult
from search.tuning.after_search import (
    EnsembleRecord,
    Finalist,
    RefitRecord,
    RepeatResult,
    TestSetAccess,
)
from search.tuning.attempts import INTERRUPTED, OBSOLETE
from search.tuning.records import AcceptedChange, StudyRecord, TrialRecord, TrialStateName
from search.user_metric import stored_metric
from spaces import Candidate

T = TypeVar("T")

_STATES: dict[TrialState, TrialStateName] = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


# A trial's attributes keep one confusion matrix, not those of all epochs.
_NOT_STORED: dict[type, Any] = {
    History: {"epochs": {"__all__": {"__all__": {"confusion"}}}},
    RefitRecord: {"history": {"epochs": {"__all__": {"__all__": {"confusion"}}}}},
}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the adapter of a type, which takes milliseconds to build."""
    return TypeAdapter(kind)


def to_plain(value: object) -> Any:
    """Return a record as the plain JSON values that Optuna stores."""
    kind: Any = type(value)
    return _adapter(kind).dump_python(value, mode="json", exclude=_NOT_STORED.get(kind))


def from_plain(kind: type[T], value: object) -> T:
    """Return the record that `to_plain` made plain."""
    hashable: Any = kind  # which mypy doubts of some types
    record: T = _adapter(hashable).validate_python(value)
    return record


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
        value=trial.values[0] if trial.values else None,
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
        retry=attrs.get("retry", False),
        costs=attrs.get("costs", {}),
        hosts=tuple(attrs.get("hosts", ())),
        started=trial.datetime_start,
        finished=_finished(trial),
    )


def _finished(trial: FrozenTrial) -> datetime | None:
    """Return when it ended, in local time; for an interrupted one when it last wrote anything.

    Older studies did not store that, and when the next run found it is not when it ended.
    """
    if trial.user_attrs.get("reason") != INTERRUPTED:
        return trial.datetime_complete
    text = trial.user_attrs.get("last_seen")
    if text is None:
        return None
    seen = datetime.fromisoformat(text)
    if seen.tzinfo is None:
        return _in_local_time(seen, trial)
    return seen.astimezone().replace(tzinfo=None)  # as Optuna's times are


_ZONE_STEP = timedelta(minutes=15)  # of the differences between time zones
_MOST_STEPS = 26 * 4  # the largest difference


def _in_local_time(seen: datetime, trial: FrozenTrial) -> datetime:
    """Return a local time of the place that stored it, which is not known, in local time here.

    It is the one nearest to what was stored that lies within the trial's own times.
    """
    first, last = trial.datetime_start, trial.datetime_complete
    if first is None or last is None:
        return seen
    steps = sorted(range(-_MOST_STEPS, _MOST_STEPS + 1), key=abs)
    within = (seen + step * _ZONE_STEP for step in steps)
    return next((moment for moment in within if first <= moment <= last), first)


def find_study(storage: BaseStorage, name: str) -> optuna.Study | None:
    """Return the study of that name, or None."""
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


_EARLIER = {
    "batch": 1,
    "start": "baseline",
    "prior": "off",
    "refit": "best-epoch",
    "resize": "stretch",
    "duplicates": "independent",
}  # what studies did before these settings


def read_study(study: optuna.Study) -> StudyRecord:
    """Return a study as stored.

    Obsolete trials are left out, and so are the refit and the test of a trial that is the winner no
    longer, as further trials were run since.

    Raises UserError for a study that this program did not make, or whose attributes are damaged.
    """
    attrs = study.user_attrs
    try:
        record = StudyRecord(
            name=study.study_name,
            recipe=_read_recipe(attrs["recipe"]),
            dataset=from_plain(DatasetInfo, attrs["dataset"]),
            folds_hash=attrs["folds_hash"],
            versions=attrs["versions"],
            hardware=attrs["hardware"],
            trials=tuple(read_trial(trial) for trial in stored_trials(study)),
            refit=_known(RefitRecord, attrs.get("refit")),
            test=_known(TestResult, attrs.get("test")),
            finalists=from_plain(tuple[Finalist, ...], attrs.get("finalists") or ()),
            nested=tuple(attrs.get("nested", ())),
            n_first=attrs.get("n_first", 0),
            ensemble=_known(EnsembleRecord, attrs.get("ensemble")),
            repeats=from_plain(tuple[RepeatResult, ...], attrs.get("repeats") or ()),
            openings=read_test_accesses(study),
            space_code=attrs.get("space_code"),
            horizon=attrs.get("refit_horizon"),
            sampler_code=attrs.get("sampler_code"),
            user_metric=_user_metric(attrs),
            metric_code=attrs.get("metric_code"),
            quality=from_plain(DataQuality, attrs.get("data_quality", {})),
            helper_code=attrs.get("helper_code"),
            space_effect=attrs.get("space_effect"),
            changes=from_plain(tuple[AcceptedChange, ...], attrs.get("accepted_changes", ())),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise UserError(
            f"study {study.study_name!r} was not written by this program, or is damaged: "
            f"{describe_error(error)}"
        ) from error
    return record if record.winner_is_refitted() else replace(record, refit=None, test=None)


def _read_recipe(stored: Mapping[str, Any]) -> Recipe:
    """Return a study's recipe; that of a reproduction without a budget.

    Earlier versions accepted one. What it made of epochs and networks is stored besides.
    """
    values = {**_EARLIER, **stored}
    if not protocol_of(values.get("sampler", ""), values.get("validation", "holdout")).is_search:
        values["budget"] = None
    return Recipe.model_validate(values)


def _known(kind: type[T], stored: Any) -> T | None:
    return from_plain(kind, stored) if stored else None


def _user_metric(attrs: Mapping[str, Any]) -> Metric | None:
    """Return what a user's metric is like, whose file may be gone; None: the recipe names it."""
    facts = attrs.get("metric")
    return None if facts is None else stored_metric(attrs["recipe"]["metric"], facts)


def stored_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the study's trials.

    Without obsolete ones, whose points changed before they ran, and without waiting ones that
    another program added: they are not in the plan, and never run.
    """
    trials = study.get_trials(deepcopy=False)
    return [one for one in trials if not (_is_obsolete(one) or is_foreign(one))]


def _is_obsolete(trial: FrozenTrial) -> bool:
    return trial.user_attrs.get("reason") == OBSOLETE


def is_foreign(trial: FrozenTrial) -> bool:
    """Return whether another program added a trial, as with Optuna's `enqueue_trial`."""
    return trial.state == TrialState.WAITING and "plan" not in trial.user_attrs


def read_test_accesses(study: optuna.Study) -> tuple[TestSetAccess, ...]:
    """Return the recorded accesses to the test set, oldest first."""
    return from_plain(tuple[TestSetAccess, ...], study.user_attrs.get("test_openings", []))


def add_change(study: optuna.Study, stored: StudyRecord, changes: tuple[str, ...]) -> None:
    """Record a change of the code that was accepted now."""
    ended = sum(trial.state in ("complete", "pruned") for trial in stored.trials)
    noted = (*stored.changes, AcceptedChange(datetime.now(UTC), ended, changes))
    study.set_user_attr("accepted_changes", [to_plain(change) for change in noted])
