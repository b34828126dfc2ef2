"""A stored study, by its name."""

from pathlib import Path

import optuna

from search.listing import stored_url, unknown_study
from search.study.opening import find_study
from search.study.storage import open_storage


def open_stored(name: str, runs_dir: Path, storage: str | None) -> optuna.Study:
    """Return a study by name; raises UserError where there is none, naming those there are."""
    backend = open_storage(stored_url(runs_dir, storage))
    study = find_study(backend, name)
    if study is None:
        raise unknown_study(name, optuna.get_all_study_names(backend))
    return study
