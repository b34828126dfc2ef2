"""The functions of the Python API: run a search, open and list studies."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from optuna.samplers import BaseSampler
from optuna.trial import BaseTrial

from search.catalog.listing import ListedStudy, listed_studies
from search.catalog.studies import remove_study
from search.errors import UserError
from search.events import Listener
from search.metric import METRICS, Metric
from search.paths import RunPaths
from search.recipe import Recipe
from search.study.runner import Runner
from search.study.session_code import write_object
from search.study.session_data import Data, dataset_setting
from search.study.study import Study
from search.study.validation import Validation
from spaces import BUILT_IN, Candidate, Space

Suggest: TypeAlias = Callable[[BaseTrial], Candidate]
MakeSampler: TypeAlias = Callable[[int], BaseSampler]
Measure: TypeAlias = Callable[[Any, Any], float]

_RUNS_DIR = Path("runs")


def run(
    space: str | Space | Suggest,
    data: Data,
    *,
    sampler: str | MakeSampler | None = None,
    trials: int | None = None,
    epochs: int | None = None,
    validation: str | Validation | None = None,
    metric: str | Metric | Measure | None = None,
    timeout: str | float | None = None,
    budget: str | float | None = None,
    workers: int | None = None,
    seed: int | None = None,
    study_name: str | None = None,
    runs_dir: str | Path = _RUNS_DIR,
    progress: bool = False,
    callbacks: Sequence[Listener] = (),
    on: Mapping[str, Listener] | None = None,
    accept_changes: bool = False,
    executor: str = "processes",
    **settings: Any,
) -> Study:
    """Search, and return the study; the same call continues a study that was interrupted.

    The winner is not retrained and the test set stays closed until `Study.refit` and `Study.test`.
    Arguments that are None have the recipe's defaults; without trials, epochs and times, a search
    takes at most an hour.

    Args:
        space: What to search: "cnn", "mlp", "FILE.py:NAME", a `Space`, or a function that makes a
            `Candidate` of an Optuna trial. A function's code is stored with the study.
        data: A dataset's name or path as for the command line, (images, labels) as arrays, a
            PyTorch dataset, or either under "train" and "test" in a mapping.
        sampler: "random", "grid", "tpe", "gp", "FILE.py:FUNCTION", or a function that makes a
            sampler of Optuna from a seed.
        trials: Number of trials.
        epochs: Most epochs of a trial.
        validation: `KFold(5)`, `Holdout(0.2)`, "kfold" or "holdout".
        metric: "accuracy", "loss", "macro_f1", ..., "FILE.py:FUNCTION", or a function of the true
            classes (N,) and the probabilities (N, classes).
        timeout: Start no trial after this time: "2h", or seconds.
        budget: Time for search and refit together: "10m", or seconds.
        workers: Worker processes; 0: one per core, or as many as fit on the GPU.
        seed: Seed of all random numbers.
        study_name: Its name; None: made from space, sampler and dataset.
        runs_dir: Folder for studies, models and reports.
        progress: Whether to show it: a block below a notebook's cell, or lines on stderr.
        callbacks: Functions that get every event.
        on: Functions by the kind of event that they get: `{"trial_ended": print}`.
        accept_changes: Whether to continue a study though the space's code or a library changed.
        executor: "processes", or "inline" to train in this process, for a debugger.
        settings: Any other setting of a recipe; docs: Settings.

    Raises:
        UserError: A setting or an argument is wrong, in one line.
        MachineError: Something failed; what is finished is kept.
        SearchInterrupted: It was interrupted; what is finished is kept.
    """
    if "dataset" in settings:
        raise UserError(f"dataset: give it as data, got {settings['dataset']!r}")
    given = {
        "trials": trials,
        "epochs": epochs,
        "timeout": timeout,
        "budget": budget,
        "workers": workers,
        "seed": seed,
        "study_name": study_name,
        "runs_dir": Path(runs_dir),
        **settings,
    }
    known = {name: value for name, value in given.items() if value is not None}
    known |= _validation_settings(validation)
    # Settings are checked before anything is written.
    Recipe.from_sources(None, {"space": "cnn", **known})
    known |= _object_settings(space, data, {"sampler": sampler, "metric": metric}, known)
    runner = Runner(progress=progress, executor=executor, accept_changes=accept_changes)
    runner.listeners.add_all(callbacks, on or {})
    outcome = runner.search(Recipe.from_sources(None, known))
    return Study(outcome.record.name, Path(runs_dir), known.get("storage"), runner, known)


def load_study(
    name: str,
    runs_dir: str | Path = _RUNS_DIR,
    storage: str | None = None,
    *,
    progress: bool = False,
    executor: str = "processes",
    accept_changes: bool = False,
) -> Study:
    """Return a stored study.

    Args:
        name: Its name, as `list_studies` shows it.
        runs_dir: Folder of the studies.
        storage: URL of the database; None: SQLite in `runs_dir`.
        progress: Whether to show later steps.
        executor: Where later steps train.
        accept_changes: Whether later steps continue though code or a library has changed.

    Raises:
        UserError: There is no such study.
    """
    runner = Runner(progress=progress, executor=executor, accept_changes=accept_changes)
    return Study(name, Path(runs_dir), storage, runner)


def list_studies(runs_dir: str | Path = _RUNS_DIR, storage: str | None = None) -> list[ListedStudy]:
    """Return every stored study in brief, by name; raises UserError if there is no database."""
    return listed_studies(Path(runs_dir), storage)


def delete_study(name: str, runs_dir: str | Path = _RUNS_DIR, storage: str | None = None) -> None:
    """Delete a study with its model and its report.

    Raises UserError if there is no such study, or if it is being run.
    """
    remove_study(name, Path(runs_dir), storage, sure=True)


def _validation_settings(validation: str | Validation | None) -> Mapping[str, Any]:
    match validation:
        case None:
            return {}
        case Validation():
            return validation.settings()
        case _:
            return {"validation": validation}


def _object_settings(
    space: str | Space | Suggest,
    data: Data,
    functions: Mapping[str, str | Metric | Callable[..., Any] | None],
    known: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Return the settings of which each may be an object; `functions` may be functions."""
    session = RunPaths(known["runs_dir"], "any").session_dir
    prefix = known.get("study_name")
    data_dir = Path(known.get("data_dir", Recipe.model_fields["data_dir"].default))
    found: dict[str, Any] = {
        "dataset": dataset_setting(data, data_dir, known),
        "space": _space_setting(space, session, prefix),
    }
    for setting, value in functions.items():
        if value in METRICS:
            found[setting] = str(getattr(value, "name", value))
        elif callable(value) or isinstance(value, Metric):
            path = session / f"{_file_name(prefix or _name_of(value))}-{setting}.py"
            found[setting] = write_object(setting, _name_of(value), value, path)
        elif value is not None:
            found[setting] = value
    return found


def _space_setting(space: str | Space | Suggest, session: Path, prefix: str | None) -> Any:
    if isinstance(space, Space):
        if BUILT_IN.get(space.name) is space:
            return space.name
        one = space
    elif callable(space):
        one = Space(_name_of(space), space)
    else:
        return space  # text, or what the recipe refuses
    path = session / f"{_file_name(prefix or one.name)}-space.py"
    return write_object("space", "SPACE", one, path)


def _name_of(function: object) -> str:
    name = str(getattr(function, "__name__", type(function).__name__))
    return name if name.isidentifier() else "own"


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "own"
