"""Removes a study with everything that belongs to it."""

import shutil
from contextlib import suppress
from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound

from search.catalog.location import stored_url, unknown_study
from search.errors import UserError
from search.formatting import printable
from search.paths import RunPaths
from search.tuning.backend import open_storage
from search.tuning.board import all_artifacts
from search.tuning.ownership import owns
from search.tuning.study_lock import study_holder, study_lock


def remove_study(name: str, runs_dir: Path, storage: str | None, *, sure: bool) -> Path | None:
    """Delete the study from the database, its folder and its artifacts; return that folder.

    None is returned where the folder is that of a namesake in another storage, and stays.
    Raises UserError where there is no such study, where it is being run, and unless `sure`.
    """
    backend, paths = open_storage(stored_url(runs_dir, storage)), RunPaths(runs_dir, name)
    known = optuna.get_all_study_names(backend)
    if name not in known:
        raise unknown_study(name, known, runs_dir)
    if not sure:
        raise UserError(f"study {name!r}, its model and its report would be deleted: add --yes")
    _check_free(paths, storage)
    with study_lock(paths, storage):
        study = optuna.load_study(study_name=name, storage=backend)
        owned = owns(study, paths)
        _remove_artifacts(study, paths)
        optuna.delete_study(study_name=name, storage=backend)
    if not owned:
        return None
    shutil.rmtree(paths.study_dir)
    return paths.study_dir


def _check_free(paths: RunPaths, storage: str | None) -> None:
    holder = study_holder(paths, storage)
    if holder is not None:
        raise UserError(
            f"study {paths.study_name!r} is being run by {printable(holder)}; wait for it or end "
            "it, then delete the study"
        )


def _remove_artifacts(study: optuna.Study, paths: RunPaths) -> None:
    store = FileSystemArtifactStore(str(paths.artifacts_dir))
    for artifact in all_artifacts(study):
        with suppress(ArtifactNotFound):  # gone is what it shall be
            store.remove(artifact)
