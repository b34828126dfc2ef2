"""The study that a recipe resumes, as far as its settings depend on it."""

import optuna
from optuna.trial import TrialState

from search.paths import RunPaths
from search.recipe import Recipe
from search.tuning.storage import open_existing
from search.tuning.store import find_study


def started_study(recipe: Recipe) -> optuna.Study | None:
    """Return the study of the recipe's name; None if a new one starts.

    Raises:
        UserError, MachineError: The database cannot be opened.
    """
    database = RunPaths(recipe.runs_dir, recipe.study_name).database
    storage = open_existing(recipe.storage, database)
    study = None if storage is None else find_study(storage, recipe.study_name)
    return study if study is not None and has_started(study) else None


def has_started(study: optuna.Study) -> bool:
    """Return whether a trial of the study has started; before that it is made anew."""
    return any(one.state != TrialState.WAITING for one in study.get_trials(deepcopy=False))
