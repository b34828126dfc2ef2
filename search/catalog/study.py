"""A stored study by its name, and a trial of it by its number."""

from pathlib import Path

import optuna

from search.catalog.location import stored_url, unknown_study
from search.errors import UserError
from search.tuning.backend import open_storage
from search.tuning.opening import find_study
from search.tuning.records import StudyRecord, TrialRecord


def open_stored(name: str, runs_dir: Path, storage: str | None) -> optuna.Study:
    """Return a study by name; raises UserError where there is none, naming those there are."""
    backend = open_storage(stored_url(runs_dir, storage))
    study = find_study(backend, name)
    if study is None:
        raise unknown_study(name, optuna.get_all_study_names(backend), runs_dir)
    return study


def find_trial(record: StudyRecord, number: int) -> TrialRecord:
    """Return the trial of that number; raises UserError, naming those there are."""
    known = {trial.number: trial for trial in record.trials}
    if number not in known:
        there = f"{min(known)} to {max(known)}" if known else "none yet"
        raise UserError(
            f"trial: study {record.name!r} has no trial {number}; accepted: its trials, {there}"
        )
    return known[number]
