"""Made-up studies, stored as a run would have stored them."""

from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState, create_trial

from search.paths import RunPaths
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.storage import open_storage, storage_url
from search.tuning.store import to_plain

_STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "running": TrialState.RUNNING,
    "waiting": TrialState.WAITING,
}


def store(record: StudyRecord, runs_dir: Path) -> None:
    """Write a study with its trials into the database of a runs folder, and make its folder."""
    paths = RunPaths(runs_dir, record.name)
    paths.study_dir.mkdir(parents=True)
    store_study(record, open_storage(storage_url(None, paths.database)))


def store_study(record: StudyRecord, storage: BaseStorage) -> optuna.Study:
    """Write a study with its trials."""
    study = optuna.create_study(study_name=record.name, storage=storage, direction="maximize")
    ended = [name for name in ("refit", "test", "repeats") if getattr(record, name)]
    for name in ("recipe", "dataset", "folds_hash", "versions", "hardware", *ended):
        study.set_user_attr(name, to_plain(getattr(record, name)))
    study.set_user_attr("test_openings", to_plain(record.openings))
    study.add_trials([_frozen(trial) for trial in record.trials])
    return study


def _frozen(trial: TrialRecord) -> optuna.trial.FrozenTrial:
    names = ("plan", "attempt", "best_epoch", "fold_scores", "n_parameters", "seconds", "reason",
             "same_as", "trial_timeout", "diverged", "fold_epochs")  # fmt: skip
    attrs = {name: getattr(trial, name) for name in names}
    attrs |= {"score_mean": trial.mean, "score_std": trial.std, "history": to_plain(trial.history)}
    if trial.candidate is not None:
        attrs["candidate"] = trial.candidate.model_dump_json()
    value = trial.value if trial.state in ("complete", "pruned") else None
    frozen = create_trial(state=_STATES[trial.state], value=value, user_attrs=attrs)
    if trial.started is not None:
        frozen.datetime_start, frozen.datetime_complete = trial.started, trial.finished
    return frozen
