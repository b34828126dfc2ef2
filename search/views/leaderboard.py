"""The trials of a study in the order of their scores, for the terminal. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from search.formatting import format_score, format_seconds
from search.progress.phrases import describe_end
from search.recipe import Recipe
from search.tuning.records import StudyRecord, TrialRecord
from spaces.describe import describe_candidate

_INDENT = 6
_NONE = "-"
_HEADINGS = (
    "rank",
    "trial",
    "point",
    "score",
    "spread",
    "E*/epochs",
    "parameters",
    "time",
    "folds",
)


class LeaderRow(NamedTuple):
    """One complete trial as it is to be read; `figures` are in the order of the headings."""

    figures: tuple[str, ...]
    candidate: str


def leader_rows(record: StudyRecord, most: int | None) -> tuple[LeaderRow, ...]:
    """Return the best complete trials, best first; `most` None means all."""
    best, pointed = record.complete()[:most], numbers_differ(record)
    ranked = enumerate(best, start=1)
    return tuple(_row(rank, trial, record.recipe, pointed=pointed) for rank, trial in ranked)


def numbers_differ(record: StudyRecord) -> bool:
    """Return whether trials have other numbers than their points of the plan.

    So it is once a trial was tried again: its number is then that of a further trial.
    """
    return any(trial.number != trial.plan for trial in record.trials)


def count_kinds(trials: Sequence[TrialRecord]) -> str:
    """Return how many trials became what: "16 trials: 1 complete, 15 pruned"."""
    kinds = Counter(trial.kind for trial in trials)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    total = "1 trial" if len(trials) == 1 else f"{len(trials)} trials"
    return f"{total}: {counts}" if counts else "no trials yet"


def draw_leaders(rows: Sequence[LeaderRow], *, narrow: bool) -> Iterator[RenderableType]:
    """Yield the rows as a table; `narrow` puts folds and candidate on lines of their own.

    Otherwise each trial is one line, however long, which suits pipes.
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
    """Return how a trial ended, in words; of one that has not, its state."""
    ended = trial.state in ("complete", "pruned", "failed")
    return describe_end(trial, recipe) if ended else trial.kind


def _row(rank: int, trial: TrialRecord, recipe: Recipe, *, pointed: bool) -> LeaderRow:
    metric, folds = recipe.metric, trial.fold_scores
    several = len(folds) > 1
    figures = (
        str(rank),
        str(trial.number),
        str(trial.plan) if pointed else _NONE,
        format_score(trial.mean, metric),
        f"+- {format_score(trial.std, metric)}" if several else _NONE,
        f"{trial.best_epoch}/{len(trial.history.epochs)}",
        f"{trial.n_parameters:,}" if trial.n_parameters else _NONE,
        format_seconds(trial.seconds),
        " ".join(format_score(score, metric) for score in folds) if several else _NONE,
    )
    return LeaderRow(figures, _words(trial))


def _words(trial: TrialRecord) -> str:
    words = "" if trial.candidate is None else describe_candidate(trial.candidate)
    return words if trial.same_as is None else f"As trial {trial.same_as}: {words}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    pairs = zip(cells, widths, strict=True)
    return "  ".join(cell.rjust(width) for cell, width in pairs)
