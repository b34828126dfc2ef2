"""Made-up studies, stored as a run would have stored them."""

from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

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


def store(record: StudyRecord, runs_dir: Path, points: optuna.Study | None = None) -> None:
    """Write a study with its trials into the database of a runs folder, and make its folder."""
    paths = RunPaths(runs_dir, record.name)
    paths.study_dir.mkdir(parents=True)
    store_study(record, open_storage(storage_url(None, paths.database)), points)


def store_study(
    record: StudyRecord, storage: BaseStorage, points: optuna.Study | None = None
) -> optuna.Study:
    """Write a study with its trials; `points` holds their parameters, which are else left out."""
    study = optuna.create_study(study_name=record.name, storage=storage, direction="maximize")
    ended = [name for name in ("refit", "test", "repeats") if getattr(record, name)]
    for name in ("recipe", "dataset", "folds_hash", "versions", "hardware", *ended):
        study.set_user_attr(name, to_plain(getattr(record, name)))
    study.set_user_attr("test_openings", to_plain(record.openings))
    known = {} if points is None else {one.number: one for one in points.get_trials(deepcopy=False)}
    study.add_trials([_frozen(trial, known.get(trial.number)) for trial in record.trials])
    return study


def _frozen(trial: TrialRecord, point: FrozenTrial | None) -> FrozenTrial:
    names = ("plan", "attempt", "best_epoch", "fold_scores", "n_parameters", "seconds", "reason",
             "same_as", "trial_timeout", "diverged", "fold_epochs")  # fmt: skip
    attrs = {name: getattr(trial, name) for name in names}
    attrs |= {"score_mean": trial.mean, "score_std": trial.std, "history": to_plain(trial.history)}
    if trial.candidate is not None:
        attrs["candidate"] = trial.candidate.model_dump_json()
    value = trial.value if trial.state in ("complete", "pruned") else None
    frozen = create_trial(
        state=_STATES[trial.state],
        value=value,
        user_attrs=attrs,
        params=None if point is None else point.params,
        distributions=None if point is None else point.distributions,
    )
    if trial.started is not None:
        frozen.datetime_start, frozen.datetime_complete = trial.started, trial.finished
    return frozen
