"""The list of studies; needs Optuna but no torch, so that it answers quickly."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from search.errors import UserError
from search.formatting import format_score, printable
from search.paths import RunPaths
from search.study.attempts import attempt_of, count_fixed, done_plans
from search.study.storage.backend import open_storage, storage_url
from search.study.storage.database_url import parse_url, sqlite_file

_HEADINGS = ("space", "sampler", "validation", "dataset", "trials", "best validation", "test")
_N_WORDS = 4  # columns of words, which stand at the left
_UNBROKEN = 10_000  # columns, of a console on which no row breaks
_INDENT = (0, 0, 0, 4)
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
    for number, heading in enumerate(_HEADINGS):
        justify: Literal["left", "right"] = "left" if number < _N_WORDS else "right"
        table.add_column(heading, justify=justify, overflow="fold")
    for study in sorted(studies, key=lambda one: one.study_name):
        # Read once: Optuna's summary and its count of trials would load every curve twice.
        trials = backend.get_all_trials(study._study_id, deepcopy=False)
        table.add_row(printable(study.study_name), *_facts(study.user_attrs, trials))
    return table


def draw_studies(table: Table, console: Console) -> Iterator[RenderableType]:
    """Yield the table, or two lines a study where its rows are wider than the console."""
    whole = console.options.update_width(_UNBROKEN)
    if console.measure(table, options=whole).maximum <= console.width:
        yield table
        return
    for name, *facts in zip(*(column.cells for column in table.columns), strict=True):
        yield Text(str(name), style="bold")
        named = zip(_HEADINGS, map(str, facts), strict=True)
        yield Padding(
            Text(", ".join(f"{heading} {fact}" for heading, fact in named if fact)), _INDENT
        )


def _facts(attrs: Mapping[str, Any], trials: list[FrozenTrial]) -> tuple[str, ...]:
    recipe, test = attrs.get("recipe"), attrs.get("test")
    tested = [one["accuracy"] for one in attrs.get("repeats") or [test] if one]
    if recipe is None:
        ended = sum(trial.state in _ENDED for trial in trials)
        return "not made by this program", "", "", "", str(ended), "", ""
    metric, kfold = recipe["metric"], recipe["validation"] == "kfold"
    n_done, asked = _count_done(recipe, trials), recipe["trials"]
    best = _best(trials, metric)
    score = format_score(best, metric)
    lost = best is None and 0 < (asked or len(trials)) <= n_done
    return (
        recipe["space"],
        recipe["sampler"],
        f"{recipe['folds']}-fold" if kfold else f"holdout {recipe['holdout_fraction']:g}",
        attrs["dataset"]["name"],
        _progress(n_done, asked),
        "no winner" if lost else f"{score} loss" if metric == "loss" else score,
        format_score(fmean(tested), "accuracy") if tested else "-",
    )


def _count_done(recipe: Mapping[str, Any], trials: list[FrozenTrial]) -> int:
    """Return how many points of the plan need no further trial; older recipes have no limit."""
    attempts = ((one.user_attrs.get("plan", one.number), attempt_of(one)) for one in trials)
    n_fixed = count_fixed(recipe["sampler"], with_baseline=recipe["with_baseline"])
    return len(done_plans(attempts, recipe.get("trial_timeout"), n_fixed))


def _progress(ended: int, asked: int | None) -> str:
    """Return how many trials have ended, and of how many; more may have than are asked for now."""
    if asked is None:
        return str(ended)
    return f"{ended} of {asked}" if ended <= asked else f"{ended} ({asked} asked)"


def _best(trials: list[FrozenTrial], metric: str) -> float | None:
    """Return the best score: a pruned trial's value is its last report, a diverged one's chance."""
    values = [one.value for one in trials if _can_win(one) and one.value is not None]
    return (max if metric == "accuracy" else min)(values, default=None)


def _can_win(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE and not trial.user_attrs.get("diverged")
