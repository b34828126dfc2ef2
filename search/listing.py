"""The list of studies; needs Optuna but no torch, so that it answers quickly."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.table import Table

from search.errors import UserError
from search.formatting import format_score, printable
from search.paths import RunPaths
from search.study.database_url import parse_url, sqlite_file
from search.study.storage import open_storage, storage_url

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def stored_url(runs_dir: Path, storage: str | None) -> str:
    """Return the URL of existing studies; raises UserError where there is no database yet.

    Whoever only reads must not make an empty SQLite file.
    """
    database = RunPaths(runs_dir, "any").database
    if storage is None and not database.is_file():
        raise UserError(f"runs_dir: {str(runs_dir)!r} holds no studies yet (no {database})")
    url = storage_url(storage, database)
    file = sqlite_file(parse_url(url))
    if file is not None and not file.is_file():
        raise UserError(f"storage: {storage!r} holds no studies yet (no {file})")
    return url


def unknown_study(name: str, known: Sequence[str]) -> UserError:
    """Return the error of a study that the storage does not hold, naming those that it does."""
    names = ", ".join(printable(one) for one in known) or "none"
    return UserError(f"study {name!r} does not exist; known studies: {names}")


def studies_table(runs_dir: Path, storage: str | None) -> Table:
    """Return one row a study: what it searches, how far it is, what it found."""
    backend = open_storage(stored_url(runs_dir, storage))
    studies = backend.get_all_studies()
    table = Table(title="studies" if studies else "no studies yet")
    table.add_column("study", no_wrap=True, overflow="fold")  # whole, to be copied
    for column in ("space", "sampler", "validation", "dataset"):
        table.add_column(column, overflow="fold")
    for column in ("trials", "best validation", "test"):
        table.add_column(column, justify="right")
    for study in sorted(studies, key=lambda one: one.study_name):
        # Read once: Optuna's summary and its count of trials would load every curve twice.
        ended = backend.get_all_trials(study._study_id, deepcopy=False, states=_ENDED)
        table.add_row(printable(study.study_name), *_facts(study.user_attrs, ended))
    return table


def _facts(attrs: Mapping[str, Any], ended: list[FrozenTrial]) -> tuple[str, ...]:
    recipe, test = attrs.get("recipe"), attrs.get("test")
    tested = [one["accuracy"] for one in attrs.get("repeats") or [test] if one]
    if recipe is None:
        return "not made by this program", "", "", "", str(len(ended))
    metric, kfold = recipe["metric"], recipe["validation"] == "kfold"
    best = format_score(_best(ended, metric), metric)
    return (
        recipe["space"],
        recipe["sampler"],
        f"{recipe['folds']}-fold" if kfold else f"holdout {recipe['holdout_fraction']:g}",
        attrs["dataset"]["name"],
        _progress(len(ended), recipe["trials"]),
        f"{best} loss" if metric == "loss" else best,
        format_score(fmean(tested), "accuracy") if tested else "-",
    )


def _progress(ended: int, asked: int | None) -> str:
    """Return how many trials have ended, and of how many; more may have than are asked for now."""
    if asked is None:
        return str(ended)
    return f"{ended} of {asked}" if ended <= asked else f"{ended} ({asked} asked)"


def _best(ended: list[FrozenTrial], metric: str) -> float | None:
    """Return the best value of a complete trial; a pruned one's is its last report."""
    values = [t.value for t in ended if t.state == TrialState.COMPLETE and t.value is not None]
    return (max if metric == "accuracy" else min)(values, default=None)
