"""Stored studies: opening one by name, finding baselines, removing one."""

import operator
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsIndex

import optuna
from optuna.storages import BaseStorage

from search.catalog.dashboard_store import DashboardStore
from search.errors import UserError
from search.paths import RunPaths
from search.protocol import StudyProtocol, protocol_of
from search.text import printable
from search.tuning.locks import owns, study_holder, study_lock
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.storage import open_storage, stored_url
from search.tuning.store import find_study, read_study


def open_stored(name: str, runs_dir: Path, storage: str | None) -> optuna.Study:
    """Return a study by name; raises UserError if it does not exist, naming those that do."""
    backend = open_storage(stored_url(runs_dir, storage))
    study = find_study(backend, name)
    if study is None:
        raise _unknown_study(name, optuna.get_all_study_names(backend), runs_dir)
    return study


def find_trial(record: StudyRecord, number: SupportsIndex) -> TrialRecord:
    """Return a trial by number; raises UserError if it does not exist, naming those that do."""
    if isinstance(number, bool) or not isinstance(number, SupportsIndex):
        kind = type(number).__name__
        raise UserError(f"trial: must be a trial or its number, such as 0, got {number!r} ({kind})")
    known = {trial.number: trial for trial in record.trials}
    index = operator.index(number)
    if index not in known:
        there = f"{min(known)} to {max(known)}" if known else "none yet"
        raise UserError(f"trial: study {record.name!r} has no trial {index}; its trials: {there}")
    return known[index]


def stored_baselines(study: optuna.Study) -> Iterator[StudyRecord]:
    """Yield every baseline study in the study's storage, whatever its dataset.

    Studies made by other programs are skipped.
    """
    storage = study._storage
    for stored in storage.get_all_studies():
        recipe = stored.user_attrs.get("recipe")
        if isinstance(recipe, dict) and not _protocol(recipe).is_search:
            yield read_study(optuna.load_study(study_name=stored.study_name, storage=storage))


def stored_repetitions(study: optuna.Study, record: StudyRecord) -> tuple[StudyRecord, ...]:
    """Return the studies that repeat a search; none if one of them is gone or not tested."""
    found = [find_study(study._storage, name) for name in record.nested]
    records = [read_study(one) for one in found if one is not None]
    whole = len(records) == len(record.nested) and all(one.test is not None for one in records)
    return tuple(records) if whole else ()


def _protocol(recipe: Mapping[str, Any]) -> StudyProtocol:
    return protocol_of(recipe.get("sampler", "random"), recipe.get("validation", "holdout"))


def remove_study(name: str, runs_dir: Path, storage: str | None, *, sure: bool) -> Path | None:
    """Delete the study from the database, its folder and its artifacts; return that folder.

    Studies that repeat it (`nested`) are deleted too. Returns None if the folder stays, as it
    belongs to a study of that name in another storage. Raises UserError if there is no such study,
    if it is being run, or unless `sure`.
    """
    backend, paths = open_storage(stored_url(runs_dir, storage)), RunPaths(runs_dir, name)
    known = optuna.get_all_study_names(backend)
    if name not in known:
        raise _unknown_study(name, known, runs_dir)
    if not sure:
        raise UserError(f"study {name!r}, its model and its report would be deleted: add --yes")
    _check_free(paths, storage)
    for repetition in repetitions_of(name, backend):
        remove_study(repetition, runs_dir, storage, sure=True)
    with study_lock(paths, storage):
        study = optuna.load_study(study_name=name, storage=backend)
        owned = owns(study, paths)
        DashboardStore(study, paths.artifacts_dir).remove_artifacts()
        optuna.delete_study(study_name=name, storage=backend)
    if not owned:
        return None
    shutil.rmtree(paths.study_dir)
    return paths.study_dir


def repetitions_of(name: str, storage: BaseStorage) -> list[str]:
    """Return the names of the studies that repeat a study."""
    studies = storage.get_all_studies()
    return [one.study_name for one in studies if one.user_attrs.get("repeats_study") == name]


def _check_free(paths: RunPaths, storage: str | None) -> None:
    holder = study_holder(paths, storage)
    if holder is not None:
        raise UserError(
            f"study {paths.study_name!r} is being run by {printable(holder)}; wait for it or "
            "stop it before deleting the study"
        )


def _unknown_study(name: str, known: Sequence[str], runs_dir: Path) -> UserError:
    """Return the error for a study that does not exist, naming those that do."""
    texts = sorted(map(str, known))  # in a damaged database a name may be missing
    names = ", ".join(map(printable, texts)) or "none"
    folder = RunPaths(runs_dir, name).study_dir
    left = f"; the folder {str(folder)!r} belongs to a deleted study or one in another storage"
    return UserError(
        f"study {name!r} does not exist; known studies: {names}{left if folder.is_dir() else ''}"
    )
