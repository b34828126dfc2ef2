"""The functions of the Python API: run a search, open and list studies."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from optuna.samplers import BaseSampler
from optuna.trial import BaseTrial

from search.catalog.listing import ListedStudy, listed_studies
from search.catalog.studies import remove_study
from search.checks import nearest_hint
from search.errors import UserError
from search.events import Listener
from search.executors import ExecutorChoice, choose_executor
from search.executors.cluster.settings import INSECURE
from search.files import as_path
from search.metric import METRICS, Metric
from search.paths import RunPaths
from search.recipe import Recipe
from search.study.runner import RUNS_DIR, Runner, one_line_errors
from search.study.session_code import write_object
from search.study.session_data import Data, dataset_setting
from search.study.study import Study
from search.study.validation import Validation, validation_settings
from spaces import BUILT_IN, Candidate, Space

Suggest: TypeAlias = Callable[[BaseTrial], Candidate]
MakeSampler: TypeAlias = Callable[[int], BaseSampler]
Measure: TypeAlias = Callable[[Any, Any], float]

_CERTIFICATES = ("tls_ca", "tls_cert", "tls_key")
CLUSTER_SETTINGS = (
    "worker_timeout",
    "accept_mixed_hardware",
    "insecure_cluster",
    *_CERTIFICATES,
)
"""How a cluster is reached, besides its address."""

_LOG = logging.getLogger("search")


def run(
    space: str | Space | Suggest,
    data: Data,
    *,
    sampler: str | MakeSampler | None = None,
    trials: int | None = None,
    epochs: int | None = None,
    validation: str | Validation | None = None,
    metric: str | Metric | Measure | None = None,
    timeout: str | float | timedelta | None = None,
    budget: str | float | timedelta | None = None,
    workers: int | None = None,
    seed: int | None = None,
    study_name: str | None = None,
    runs_dir: str | Path | None = RUNS_DIR,
    progress: bool = False,
    callbacks: Listener | Sequence[Listener] = (),
    on: Mapping[str, Listener] | None = None,
    accept_changes: bool = False,
    retry_failed: bool = False,
    executor: str | None = None,
    cluster: str | Path | None = None,
    **settings: Any,
) -> Study:
    """Search, and return the study; the same call continues a study that was interrupted.

    The winner is not retrained and the test set stays closed until `Study.refit` and `Study.test`.
    Arguments that are None have the recipe's defaults; without trials, epochs and times, a search
    takes at most an hour, besides finalists.

    Args:
        space: What to search: "cnn", "mlp", "FILE.py:NAME", a `Space`, or a function that makes a
            `Candidate` of an Optuna trial. A function's code is stored with the study.
        data: A dataset's name or path as for the command line, (images, labels) as arrays, a
            PyTorch dataset, or either under "train" and "test" in a mapping.
        sampler: "random", "grid", "tpe", "gp", "FILE.py:FUNCTION", or a function that makes a
            sampler of Optuna from a seed: `lambda seed: optuna.samplers.CmaEsSampler(seed=seed)`.
        trials: Number of trials.
        epochs: Most epochs of a trial.
        validation: `KFold(5)`, `Holdout(0.2)`, "kfold" or "holdout".
        metric: "accuracy", "loss", "macro-f1", ..., "FILE.py:FUNCTION", or a function of the true
            classes (N,) and the probabilities (N, classes).
        timeout: Start no trial after this time: "2h", seconds, or a timedelta.
        budget: Time for search, refit, test and report, from now: "10m", seconds, or a timedelta.
        workers: Worker processes; 0: one per core, or as many as fit on the GPU.
        seed: Seed of all random numbers.
        study_name: Its name; None: made from space, sampler and dataset.
        runs_dir: Folder for studies, models and reports.
        progress: Whether to show it: a block below a notebook's cell, or lines on stderr.
        callbacks: A function that gets every event, or several.
        on: Functions by the kind of event that they get: `{"trial_ended": print}`.
        accept_changes: Whether to continue a study though the space's code or a library changed.
        retry_failed: Whether trials that failed for good are tried again, three times each.
        executor: "processes", "inline" to train in this process, for a debugger, or "dask";
            None: "processes", or "dask" if there is a `cluster`.
        cluster: Train on the workers of this Dask scheduler: "tcp://HOST:PORT", "tls://HOST:PORT"
            or a scheduler file; or start workers by "slurm:FILE.toml" or "ssh:FILE.toml".
        settings: Any other setting of a recipe (docs: Settings), `groups` of images in memory as an
            array (N,); of a cluster (docs: On a cluster) `worker_timeout`, `tls_...` and others.

    Raises:
        UserError: A setting or an argument is wrong, in one line.
        MachineError: Something failed; what is finished is kept.
        SearchInterrupted: It was interrupted; what is finished is kept.
    """
    place = _place(executor, cluster, settings)
    given = {
        "trials": trials,
        "epochs": epochs,
        "timeout": timeout,
        "budget": budget,
        "workers": workers,
        "seed": seed,
        "study_name": study_name,
        "runs_dir": runs_dir,
    }
    known = _checked(given | settings, validation, metric)
    runner = Runner(progress=progress, place=place, accept_changes=accept_changes)
    runner.listeners.add_all(callbacks, on or {})
    functions = {"sampler": sampler, "metric": metric}
    with _as_called({"space": space, **functions}, known):
        known |= _objects(space, data, functions, known, settings)
        outcome = runner.search(Recipe.from_sources(None, known), retry_failed=retry_failed)
    return Study(outcome.record.name, known["runs_dir"], known.get("storage"), runner, known)


def load_study(
    name: str,
    runs_dir: str | Path | None = RUNS_DIR,
    storage: str | None = None,
    *,
    progress: bool = False,
    executor: str | None = None,
    cluster: str | Path | None = None,
    accept_changes: bool = False,
    **cluster_settings: Any,
) -> Study:
    """Return a stored study.

    Args:
        name: Its name, as `list_studies` shows it.
        runs_dir: Folder of the studies; None: "runs".
        storage: URL of the database; None: SQLite in `runs_dir`.
        progress: Whether to show later steps.
        executor: Where later steps train, as for `run`.
        cluster: The cluster where they train, as for `run`.
        accept_changes: Whether later steps continue though code or a library has changed.
        cluster_settings: How the cluster is reached, as for `run`.

    Raises:
        UserError: There is no such study, or an argument is wrong.
    """
    for setting, value in cluster_settings.items():
        if setting not in CLUSTER_SETTINGS:
            hint = nearest_hint(setting, CLUSTER_SETTINGS)
            raise UserError(f"{setting}: is no argument, got {value!r}; {hint}")
    _check_name(name)
    folder, storage = _database(runs_dir, storage)
    place = _place(executor, cluster, cluster_settings)
    runner = Runner(progress=progress, place=place, accept_changes=accept_changes)
    with one_line_errors():
        return Study(name, folder, storage, runner)


def list_studies(
    runs_dir: str | Path | None = RUNS_DIR, storage: str | None = None
) -> list[ListedStudy]:
    """Return every stored study in brief, by name; raises UserError if there is no database."""
    folder, storage = _database(runs_dir, storage)
    with one_line_errors():
        return listed_studies(folder, storage)


def delete_study(
    name: str, runs_dir: str | Path | None = RUNS_DIR, storage: str | None = None
) -> None:
    """Delete a study with its model and its report.

    Raises UserError if there is no such study, or if it is being run.
    """
    _check_name(name)
    folder, storage = _database(runs_dir, storage)
    with one_line_errors():
        remove_study(name, folder, storage, sure=True)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name:
        raise UserError(f"name: must be a study's name, got {name!r} ({type(name).__name__})")


def _database(runs_dir: str | Path | None, storage: str | None) -> tuple[Path, str | None]:
    """Return where studies are, as `run` takes it: checked, with "~/" expanded."""
    folder = RUNS_DIR if runs_dir is None else as_path(runs_dir, "runs_dir")
    given = {"space": "cnn", "runs_dir": folder, "storage": storage}
    recipe = Recipe.from_sources(None, given)
    return recipe.runs_dir, recipe.storage


def _place(
    executor: str | None, cluster: str | Path | None, settings: Mapping[str, Any]
) -> ExecutorChoice:
    """Return where to train; a cluster that is not encrypted is warned of."""
    given = {name: one for name, one in settings.items() if name in CLUSTER_SETTINGS}
    given = {name: one for name, one in given.items() if one is not None}
    given |= {name: as_path(given[name], name) for name in _CERTIFICATES if name in given}
    if given.get("insecure_cluster"):
        _LOG.warning(INSECURE)
    return choose_executor(executor, None if cluster is None else str(cluster), **given)


@contextmanager
def _as_called(objects: Mapping[str, object], known: Mapping[str, Any]) -> Iterator[None]:
    """Call things in errors as the caller does: the dataset `data`, and functions by their names.

    Args:
        objects: What the caller gave, by setting.
        known: The recipe's settings, in which files may stand for objects.
    """
    try:
        yield
    except UserError as error:
        words = re.sub(r"^dataset:", "data:", str(error))
        for setting, one in objects.items():
            file = known.get(setting)
            if isinstance(file, str) and not isinstance(one, str):
                name = repr(_name_of(one))
                words = words.replace(f" is now {file!r}", f" is now {name} of this session")
                words = words.replace(repr(file), name)
        if words == str(error):
            raise
        raise UserError(words) from error


def _checked(
    given: Mapping[str, Any], validation: str | Validation | None, metric: object
) -> dict[str, Any]:
    """Return the settings of a recipe that were given; checked before anything is written.

    What the metric is called may be named among the objectives.
    """
    if "nested" in given:
        raise UserError("nested is a step of its own, after the search: study.nested(5)")
    if "dataset" in given:
        raise UserError(f"dataset: give it as data, got {given['dataset']!r}")
    known = {
        name: value
        for name, value in given.items()
        if value is not None and name not in CLUSTER_SETTINGS
    }
    if not isinstance(known.get("groups"), str):  # they are part of the data
        known.pop("groups", None)
    known |= validation_settings(validation)
    tried = {"space": "cnn", **_metric_stand_in(metric), **known}
    return known | {"runs_dir": Recipe.from_sources(None, tried).runs_dir}


def _metric_stand_in(metric: object) -> dict[str, str]:
    """Return the setting of a metric as it will be, but that of a function names no real file."""
    if metric is None:
        return {}
    if isinstance(metric, str):
        return {"metric": metric}
    name = str(getattr(metric, "name", metric))
    return {"metric": name if metric in METRICS else f"session.py:{_name_of(metric)}"}


def _objects(
    space: str | Space | Suggest,
    data: Data,
    functions: Mapping[str, str | Metric | Callable[..., Any] | None],
    known: Mapping[str, Any],
    given: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Return the settings of which each may be an object; `functions` may be functions.

    Args:
        space: As for `run`.
        data: As for `run`.
        functions: Values of settings that are names or functions, by setting.
        known: The recipe's other settings.
        given: The other arguments of `run`, as they came.
    """
    paths = RunPaths(known["runs_dir"], "any")
    prefix = known.get("study_name")
    data_dir = Path(known.get("data_dir", Recipe.model_fields["data_dir"].default))
    groups = None if "groups" in known else given.get("groups")
    found: dict[str, Any] = {
        "dataset": dataset_setting(data, data_dir, known, groups),
        "space": _space_setting(space, paths, prefix),
    }
    for setting, value in functions.items():
        _check_no_sampler(setting, value)
        if value in METRICS:
            found[setting] = str(getattr(value, "name", value))
        elif callable(value) or isinstance(value, Metric):
            file = f"{_file_name(prefix or _name_of(value))}-{setting}.py"
            place = partial(paths.session_file, file)
            found[setting] = write_object(setting, _name_of(value), value, place)
        elif value is not None:
            found[setting] = value
    return found


def _check_no_sampler(setting: str, value: object) -> None:
    """Raise UserError for a sampler or its class: a study makes one for each trial, by its seed."""
    kind = value if isinstance(value, type) else type(value)
    if issubclass(kind, BaseSampler):
        raise UserError(
            f"{setting}: must make a sampler from a seed, got {kind.__name__}; such as lambda "
            f"seed: optuna.samplers.{kind.__name__}(seed=seed)"
        )


def _space_setting(space: str | Space | Suggest, paths: RunPaths, prefix: str | None) -> Any:
    if isinstance(space, Space):
        if BUILT_IN.get(space.name) is space:
            return space.name
        one = space
    elif callable(space):
        one = Space(_name_of(space), space)
    elif isinstance(space, str) or space is None:
        return space  # which the recipe checks
    else:
        raise UserError(f"space: must be a name, a Space or a function, got {space!r}")
    file = f"{_file_name(prefix or one.name)}-space.py"
    return write_object("space", "SPACE", one, partial(paths.session_file, file))


def _name_of(one: object) -> str:
    """Return the name of a function or a space."""
    if isinstance(one, Space):
        return one.name
    name = str(getattr(one, "__name__", type(one).__name__))
    return name if name.isidentifier() else "own"


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "own"
