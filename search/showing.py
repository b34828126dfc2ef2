"""What `show` says of a study: its settings, how far it is, its trials, what came of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from search.formatting import format_bytes, printable
from search.leaderboard import count_kinds, draw_leaders, draw_others, leader_rows
from search.paths import RunPaths
from search.stored import open_stored
from search.study.disk import disk_use
from search.study.lock import study_holder
from search.study.records import INTERRUPTED, StudyRecord, TrialRecord
from search.study.store import read_study
from search.summary import describe_result

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
    """Yield the recipe, the trials by rank and the final result of a stored study.

    `every` lists all trials, those without a rank too; `narrow` suits a terminal.
    """
    record, holder = read_shown(name, runs_dir, storage)
    recipe = Syntax(record.recipe.toml().rstrip(), "toml", background_color="default")
    yield Panel.fit(recipe, title=f"recipe of {record.name}")
    yield Text(f"status: {_status(record, holder)}")
    yield Text(count_kinds(record.trials))
    yield from _describe_trials(record, every=every, narrow=narrow)
    yield from (Text(change.line()) for change in record.changes)
    yield from describe_result(record)
    yield f"disk:  {format_bytes(disk_use(RunPaths(runs_dir, name).study_dir))}"


def study_state(record: StudyRecord, holder: str | None) -> str:
    """Return "running", "ended" or, where nobody goes on with it, "interrupted"."""
    if holder is not None:
        return "running"
    return "interrupted" if record.test is None else "ended"


def _describe_trials(record: StudyRecord, *, every: bool, narrow: bool) -> Iterator[RenderableType]:
    rows = leader_rows(record, None if every else _MOST_LEADERS)
    yield ""
    yield from draw_leaders(rows, narrow=narrow)
    if every:
        yield from draw_others(record)
    elif len(rows) < len(record.trials):
        ranked = f"the best {len(rows)}" if rows else "none"
        yield Text(f"{ranked} of {len(record.trials)}; --all lists every trial", style="dim")
    yield ""


def _status(record: StudyRecord, holder: str | None) -> str:
    state = study_state(record, holder)
    if state == "running":
        return f"running, by {holder}"
    return f"{state}; the command it was run by goes on" if state == "interrupted" else state


def _settled(trial: TrialRecord) -> TrialRecord:
    """Return a trial of a study that nobody runs."""
    if trial.state != "running":
        return trial
    return replace(trial, state="failed", reason=INTERRUPTED)
