"""What `show` prints about a study: settings, progress, trials, result."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from rich.console import RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from search import text
from search.catalog.studies import open_stored
from search.command_lines import run_command
from search.paths import RunPaths
from search.progress.words import describe_end, describe_number
from search.recipe import Recipe
from search.report.scoring import last_attempts
from search.text import printable
from search.tuning.attempts import INTERRUPTED
from search.tuning.locks import study_holder
from search.tuning.outcome import why_no_winner
from search.tuning.plan import disk_use
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study
from search.views.summary import describe_result
from spaces.candidate import describe_candidate

_INDENT = 6
_NONE = "-"
_HEADINGS = (
    "rank",
    "trial",
    "index",
    "score",
    "spread",
    "E*/epochs",
    "parameters",
    "time",
    "folds",
)


class LeaderRow(NamedTuple):
    """A complete trial as text; `figures` are in the order of the headings."""

    figures: tuple[str, ...]
    candidate: str


def leader_rows(record: StudyRecord, most: int | None) -> tuple[LeaderRow, ...]:
    """Return the best complete trials, best first; `most` None means all."""
    best, pointed = record.complete()[:most], numbers_differ(record)
    ranked = enumerate(best, start=1)
    return tuple(_row(rank, trial, record.recipe, pointed=pointed) for rank, trial in ranked)


def numbers_differ(record: StudyRecord) -> bool:
    """Return whether trial numbers differ from plan indices, as they do after a retry."""
    return any(trial.number != trial.plan for trial in record.trials)


def count_kinds(trials: Sequence[TrialRecord]) -> str:
    """Return how many trials ended in each way: "16 trials: 1 complete, 15 pruned"."""
    kinds = Counter(trial.kind for trial in trials)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    total = "1 trial" if len(trials) == 1 else f"{len(trials)} trials"
    return f"{total}: {counts}" if counts else "no trials yet"


def draw_leaders(rows: Sequence[LeaderRow], *, narrow: bool) -> Iterator[RenderableType]:
    """Yield the rows as a table; `narrow` puts folds and candidate on separate lines.

    Otherwise each trial is one line, however long, for pipes.
    """
    if not rows:
        return
    columns = [*zip(_HEADINGS, *(row.figures for row in rows), strict=True)]
    hidden = "folds" if narrow else ""
    shown = [column for column in columns if column[0] != hidden and {*column[1:]} != {_NONE}]
    widths = [max(map(len, column)) for column in shown]
    heading, *lines = (_line(cells, widths) for cells in zip(*shown, strict=True))
    yield Text(heading if narrow else f"{heading}  candidate", style="bold")
    for row, line in zip(rows, lines, strict=True):
        yield Text(line if narrow else f"{line}  {row.candidate}")
        if narrow:
            yield Padding(Text(_below(row), style="dim"), (0, 0, 0, _INDENT))


def _below(row: LeaderRow) -> str:
    folds = row.figures[-1]
    return row.candidate if folds == _NONE else f"folds {folds}\n{row.candidate}"


def outcome(trial: TrialRecord, recipe: Recipe) -> str:
    """Return how a trial ended, or its state if it has not."""
    ended = trial.state in ("complete", "pruned", "failed")
    return describe_end(trial, recipe) if ended else trial.kind


def _row(rank: int, trial: TrialRecord, recipe: Recipe, *, pointed: bool) -> LeaderRow:
    metric, folds = recipe.metric, trial.fold_scores
    several = len(folds) > 1
    figures = (
        str(rank),
        str(trial.number),
        str(trial.plan) if pointed else _NONE,
        text.score(trial.mean, metric),
        f"+- {text.score(trial.std, metric)}" if several else _NONE,
        f"{trial.best_epoch}/{len(trial.history.epochs)}",
        f"{trial.n_parameters:,}" if trial.n_parameters else _NONE,
        text.duration(trial.seconds),
        " ".join(text.score(score, metric) for score in folds) if several else _NONE,
    )
    return LeaderRow(figures, _words(trial))


def _words(trial: TrialRecord) -> str:
    words = "" if trial.candidate is None else describe_candidate(trial.candidate)
    return words if trial.same_as is None else f"As trial {trial.same_as}: {words}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    pairs = zip(cells, widths, strict=True)
    return "  ".join(cell.rjust(width) for cell, width in pairs)


_BEGUN = ("running", "interrupted")


def count_trials(record: StudyRecord) -> str:
    """Return how many trials ended in each way, and how many attempts were retried.

    Attempts at the same index of the plan count as one trial, which ended as the last of them.
    """
    last = last_attempts(record)
    numbers = {trial.number for trial in last}
    earlier = Counter(trial.kind for trial in record.trials if trial.number not in numbers)
    retried = (
        f"{text.plural(count, f'{kind} attempt')} retried"
        for kind, count in sorted(earlier.items())
    )
    return "; ".join((count_kinds(last), *retried))


def describe_outcome(
    trial: TrialRecord, record: StudyRecord, reported: Sequence[float] = ()
) -> str:
    """Return how a trial ended or how far it is.

    Args:
        trial: The trial.
        record: Its study.
        reported: Validation figures by epoch that an unfinished trial has reported.
    """
    if trial.kind not in _BEGUN:
        return outcome(trial, record.recipe)
    if not reported:
        return trial.kind
    score = text.score(reported[-1], record.recipe.metric)
    if trial.kind == "running":
        return f"running: epoch {len(reported)} of {record.recipe.epochs} at {score}"
    return f"interrupted after {text.plural(len(reported), 'epoch')} at {score}"


def draw_unranked(record: StudyRecord) -> Iterator[Text]:
    """Yield a line for each unranked trial: how it ended, or its state."""
    ranked = {trial.number for trial in record.complete()}
    for trial in record.trials:
        if trial.number not in ranked:
            yield Text(f"{describe_number(trial)} {printable(describe_outcome(trial, record))}")


StudyState: TypeAlias = Literal["running", "ended", "interrupted"]

_MOST_LEADERS = 10


def read_shown(name: str, runs_dir: Path, storage: str | None) -> tuple[StudyRecord, str | None]:
    """Return a stored study and the process that runs it, None if there is none.

    Trials that a killed run left running count as interrupted. Raises UserError if there is no
    such study.
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
    """Yield the result of a stored study, its trials by rank and its recipe.

    `every` also lists unranked trials; `narrow` is for terminals.
    """
    record, holder = read_shown(name, runs_dir, storage)
    yield from _describe_state(record, holder)
    yield Text(count_trials(record))
    yield from _describe_trials(record, every=every, narrow=narrow)
    yield from (Text(change.line()) for change in record.changes)
    recipe = Syntax(record.recipe.toml().rstrip(), "toml", background_color="default")
    yield Panel.fit(recipe, title=f"recipe of {record.name}")
    yield f"disk:  {text.size(disk_use(RunPaths(runs_dir, name).study_dir))}"


def study_state(record: StudyRecord, holder: str | None) -> StudyState:
    """Return the state of a study; "interrupted" means unfinished with no process running it.

    A study whose trials all failed, timed out or diverged has ended, without a winner.
    """
    if holder is not None:
        return "running"
    return "interrupted" if record.test is None and not record.has_no_winner() else "ended"


def _describe_state(record: StudyRecord, holder: str | None) -> Iterator[RenderableType]:
    state = study_state(record, holder)
    if state == "ended" and record.winner() is None:
        yield Text("status: ended without a winner", style="bold")
        yield Text(printable(why_no_winner(record)))
        return
    yield Text(f"status: running ({holder})" if state == "running" else f"status: {state}")
    yield from describe_result(record)
    if state == "interrupted":
        yield Text("to resume:")
        yield f"  {run_command(record.recipe, record.recipe.trials)}"
        if (record.recipe.storage or "").startswith("postgresql"):
            yield Text("the database password is not stored: set PGPASSWORD")


def _describe_trials(record: StudyRecord, *, every: bool, narrow: bool) -> Iterator[RenderableType]:
    rows = leader_rows(record, None if every else _MOST_LEADERS)
    yield ""
    yield from draw_leaders(rows, narrow=narrow)
    if rows and numbers_differ(record):
        yield Text("trial numbers depend on interruptions, indices in the plan do not", style="dim")
    if every:
        yield from draw_unranked(record)
    elif len(rows) < (points := len({trial.plan for trial in record.trials})):
        all_trials = text.plural(points, "trial")
        shown = f"the best {len(rows)} of" if rows else "no rank for any of"
        yield Text(f"{shown} {all_trials}; --all lists every trial", style="dim")
    yield ""


def _settled(trial: TrialRecord) -> TrialRecord:
    """Return a trial of a study that no process runs."""
    if trial.state != "running":
        return trial
    return replace(trial, state="failed", reason=INTERRUPTED)
