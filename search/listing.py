"""The list of studies; needs Optuna but no torch, so that it answers quickly."""

from pathlib import Path

import optuna
from optuna.study import StudySummary
from optuna.trial import TrialState
from rich.table import Table

from search.errors import UserError
from search.formatting import format_score
from search.paths import RunPaths
from search.study.storage import open_storage, storage_url

_SQLITE = "sqlite:///"


def stored_url(runs_dir: Path, storage: str | None) -> str:
    """Return the URL of existing studies; raises UserError where there is no database yet.

    Whoever only reads must not make an empty SQLite file.
    """
    database = RunPaths(runs_dir, "any").database
    if storage is None and not database.is_file():
        raise UserError(f"runs_dir: {str(runs_dir)!r} holds no studies yet (no {database})")
    given = Path((storage or "").partition("?")[0].removeprefix(_SQLITE))
    if storage is not None and storage.startswith(_SQLITE) and not given.is_file():
        raise UserError(f"storage: {storage!r} holds no studies yet (no {given})")
    return storage_url(storage, database)


def studies_table(runs_dir: Path, storage: str | None) -> Table:
    """Return one row a study: what it searches, how far it is, what it found."""
    backend = open_storage(stored_url(runs_dir, storage))
    summaries = optuna.get_all_study_summaries(backend)
    table = Table(title="studies" if summaries else "no studies yet")
    table.add_column("study", no_wrap=True, overflow="fold")  # whole, to be copied
    for column in ("space", "sampler", "validation", "dataset"):
        table.add_column(column)
    for column in ("trials", "best validation", "test"):
        table.add_column(column, justify="right")
    for summary in sorted(summaries, key=lambda one: one.study_name):
        ended = backend.get_n_trials(summary._study_id, (TrialState.COMPLETE, TrialState.PRUNED))
        table.add_row(*_row(summary, ended))
    return table


def _row(summary: StudySummary, ended: int) -> tuple[str, ...]:
    recipe = summary.user_attrs.get("recipe")
    if recipe is None:
        return summary.study_name, "not made by this program", "", "", "", str(ended)
    metric, test = recipe["metric"], summary.user_attrs.get("test")
    best = summary.best_trial.value if summary.best_trial is not None else None
    kfold = recipe["validation"] == "kfold"
    return (
        summary.study_name,
        recipe["space"],
        recipe["sampler"],
        f"{recipe['folds']}-fold" if kfold else f"holdout {recipe['holdout_fraction']:g}",
        summary.user_attrs["dataset"]["name"],
        f"{ended} of {recipe['trials']}" if recipe["trials"] else str(ended),
        f"{format_score(best, metric)} {'loss' if metric == 'loss' else ''}".strip(),
        format_score(test["accuracy"], "accuracy") if test else "-",
    )
