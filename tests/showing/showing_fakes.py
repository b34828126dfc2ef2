"""Made-up studies, stored as a run would have stored them."""

from pathlib import Path

import optuna
from optuna.trial import TrialState, create_trial

from search.paths import RunPaths
from search.study.storage.backend import open_storage, storage_url
from search.study.storage.records import StudyRecord, TrialRecord
from search.study.storage.store import to_plain

_STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "running": TrialState.RUNNING,
    "waiting": TrialState.WAITING,
}


def store(record: StudyRecord, runs_dir: Path) -> None:
    """Write a study with its trials into the database of a runs folder."""
    storage = open_storage(storage_url(None, RunPaths(runs_dir, "any").database))
    study = optuna.create_study(study_name=record.name, storage=storage, direction="maximize")
    for name in ("recipe", "dataset", "refit", "test"):
        value = getattr(record, name)
        study.set_user_attr(name, None if value is None else to_plain(value))
    for name in ("folds_hash", "versions", "hardware"):
        study.set_user_attr(name, getattr(record, name))
    study.add_trials([_frozen(trial) for trial in record.trials])
    RunPaths(runs_dir, record.name).study_dir.mkdir()


def _frozen(trial: TrialRecord) -> optuna.trial.FrozenTrial:
    names = ("plan", "attempt", "best_epoch", "fold_scores", "n_parameters", "seconds", "reason",
             "same_as", "trial_timeout", "diverged")  # fmt: skip
    attrs = {name: getattr(trial, name) for name in names}
    attrs |= {"score_mean": trial.mean, "score_std": trial.std, "history": to_plain(trial.history)}
    if trial.candidate is not None:
        attrs["candidate"] = trial.candidate.model_dump_json()
    value = trial.value if trial.state in ("complete", "pruned") else None
    return create_trial(state=_STATES[trial.state], value=value, user_attrs=attrs)
