"""What `show` says of a study: its settings, how far it is, its trials, what came of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from rich.console import RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from search.catalog.study import open_stored
from search.command_lines import run_command
from search.formatting import format_bytes, printable
from search.paths import RunPaths
from search.tuning.attempts import INTERRUPTED
from search.tuning.disk import disk_use
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study
from search.tuning.study_lock import study_holder
from search.tuning.winning import why_no_winner
from search.views.leaderboard import draw_leaders, leader_rows, numbers_differ
from search.views.outcome import count_trials, draw_unranked
from search.views.summary import describe_result

StudyState: TypeAlias = Literal["running", "ended", "interrupted"]

_MOST_LEADERS = 10


def read_shown(name: str, runs_dir: Path, storage: str | None) -> tuple[StudyRecord, str | None]:
    """Return a study as stored, and who runs it, None for nobody.

    Trials that a killed run left running are told as interrupted. Raises UserError where there is
    no such study.
    """
    study = open_stored(name, runs_dir, storage)
    holder = study_holder(RunPaths(runs_dir, name), storage)
    record = read_study(study)
    if holder is not None:
        return record, printable(holder)
    return replace(record, trials=tuple(_settled(trial) for trial in record.trials)), None


def describe_study(
    name: str, runs_dir: Path, storage: str | None, *, every: bool, narrow: bool
) -> Iterator[RenderableType]:
    """Yield the final result of a stored study, its trials by rank and its recipe.

    `every` lists all trials, those without a rank too; `narrow` suits a terminal.
    """
    record, holder = read_shown(name, runs_dir, storage)
    yield from _describe_state(record, holder)
    yield Text(count_trials(record))
    yield from _describe_trials(record, every=every, narrow=narrow)
    yield from (Text(change.line()) for change in record.changes)
    recipe = Syntax(record.recipe.toml().rstrip(), "toml", background_color="default")
    yield Panel.fit(recipe, title=f"recipe of {record.name}")
    yield f"disk:  {format_bytes(disk_use(RunPaths(runs_dir, name).study_dir))}"


def study_state(record: StudyRecord, holder: str | None) -> StudyState:
    """Return how a study stands; "interrupted" is one that nobody goes on with.

    One whose trials all failed, timed out or diverged has ended too, without a winner.
    """
    if holder is not None:
        return "running"
    return "interrupted" if record.test is None and not record.has_no_winner() else "ended"


def _describe_state(record: StudyRecord, holder: str | None) -> Iterator[RenderableType]:
    state = study_state(record, holder)
    if state == "ended" and record.winner() is None:
        yield Text("status: ended, without a winner", style="bold")
        yield Text(printable(why_no_winner(record)))
        return
    yield Text(f"status: running, by {holder}" if state == "running" else f"status: {state}")
    yield from describe_result(record)
    if state == "interrupted":
        yield Text("to go on:")
        yield f"  {run_command(record.recipe, record.recipe.trials)}"
        if (record.recipe.storage or "").startswith("postgresql"):
            yield Text("a password of the database is not stored: give it in PGPASSWORD")


def _describe_trials(record: StudyRecord, *, every: bool, narrow: bool) -> Iterator[RenderableType]:
    rows = leader_rows(record, None if every else _MOST_LEADERS)
    yield ""
    yield from draw_leaders(rows, narrow=narrow)
    if rows and numbers_differ(record):
        yield Text(
            "numbers of trials depend on interruptions, points of the plan do not", style="dim"
        )
    if every:
        yield from draw_unranked(record)
    elif len(rows) < (points := len({trial.plan for trial in record.trials})):
        shown = f"the best {len(rows)} of {points}" if rows else f"none of the {points} has a rank"
        yield Text(f"{shown}; --all lists every trial", style="dim")
    yield ""


def _settled(trial: TrialRecord) -> TrialRecord:
    """Return a trial of a study that nobody runs."""
    if trial.state != "running":
        return trial
    return replace(trial, state="failed", reason=INTERRUPTED)
