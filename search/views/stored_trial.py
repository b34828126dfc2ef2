"""What `show --trial` tells about one trial."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from textwrap import fill, indent
from typing import final

from rich.console import RenderableType
from rich.text import Text

from search import text
from search.catalog.studies import find_trial, open_stored
from search.command_lines import command_line, place_options
from search.evaluation.code import constructor
from search.evaluation.exporting import export_name
from search.metric import Metric
from search.report.finding import Number, ReportPart
from search.report.findings.trials import TrialPart, trial_facts
from search.text import printable
from search.tuning.records import StudyRecord, TrialRecord
from search.views.stored_study import describe_outcome, read_shown
from spaces.candidate import Candidate, describe_candidate

_Dots = set[tuple[int, int]]
# Unicode's braille patterns: the bit of each dot in a cell, by column and row.
_BRAILLE = 0x2800
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_ROWS = 10


def draw_curve(
    values: Sequence[float], width: int, label: Callable[[float], str], *, braille: bool
) -> list[str]:
    """Return the lines of a plot with one value per epoch, at most `width` characters wide.

    Values that are not finite are left out. `label` formats the highest, middle and lowest value.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return []
    low, high = min(known), max(known)
    labels = {0: label(high), _ROWS // 2: label((low + high) / 2), _ROWS - 1: label(low)}
    if low == high:
        labels = {_ROWS // 2: label(low)}
    margin = max(map(len, labels.values()))
    columns = max(width - margin - 2, 4)
    rows = _braille_rows(values, columns) if braille else _ascii_rows(values, columns)
    side, corner, floor = ("│", "└", "─") if braille else ("|", "+", "-")
    lines = [f"{labels.get(i, ''):>{margin}} {side}{row}" for i, row in enumerate(rows)]
    lines.append(f"{'':{margin}} {corner}{floor * columns}")
    return [line.rstrip() for line in [*lines, _epochs_line(len(values), margin + 2, columns)]]


def _epochs_line(n_epochs: int, margin: int, columns: int) -> str:
    last = "" if n_epochs == 1 else str(n_epochs)
    return f"{'':{margin}}{'epoch 1':<{columns - len(last)}}{last}"


def _braille_rows(values: Sequence[float], columns: int) -> list[str]:
    dots = set(_trace(values, 2 * columns, 4 * _ROWS))
    return ["".join(_cell(dots, x, y) for x in range(columns)) for y in range(_ROWS)]


def _cell(dots: _Dots, x: int, y: int) -> str:
    bits = [
        bit
        for i, column in enumerate(_BITS)
        for j, bit in enumerate(column)
        if (2 * x + i, 4 * y + j) in dots
    ]
    return chr(_BRAILLE + sum(bits)) if bits else " "


def _ascii_rows(values: Sequence[float], columns: int) -> list[str]:
    dots = set(_trace(values, columns, _ROWS))
    return ["".join("*" if (x, y) in dots else " " for x in range(columns)) for y in range(_ROWS)]


def _trace(values: Sequence[float], width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield the dots (x, y) of the curve, (0, 0) the upper left one, its points joined."""
    points = list(_points(values, width, height))
    yield from points[:1]
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(1, steps + 1):
            part = step / steps
            yield round(x0 + part * (x1 - x0)), round(y0 + part * (y1 - y0))


def _points(values: Sequence[float], width: int, height: int) -> Iterator[tuple[int, int]]:
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known), max(known)
    for i, value in enumerate(values):
        if math.isfinite(value):
            x = i / max(len(values) - 1, 1) * (width - 1)
            level = low == high
            y = height // 2 if level else (high - value) / (high - low) * (height - 1)
            yield round(x), round(y)


def again_commands(
    record: StudyRecord, trial: TrialRecord, runs_dir: Path, storage: str | None
) -> Iterator[str]:
    """Yield the commands that train the trial again, here and as a script."""
    name, places = export_name(record, trial), place_options(runs_dir, storage)
    export = ["export", record.name, "--trial", str(trial.number), *places]
    yield _line(*export, "--recipe", "--output", f"{name}.toml")
    yield _line("run", f"{name}.toml")
    yield "or with torch only:"
    yield _line(*export, "--python", "--output", f"train-{name}.py")


def _line(*arguments: str) -> str:
    return f"  {command_line(*arguments)}"


_PIPE_COLUMNS = 80
_MOST_COLUMNS = 100  # a wider plot shows no more detail


def describe_trial(
    name: str, runs_dir: Path, storage: str | None, number: int, *, width: int | None, braille: bool
) -> Iterator[RenderableType]:
    """Yield everything about one trial; `width` is the terminal's, None for a pipe.

    Raises UserError if there is no such study or trial.
    """
    record, _ = read_shown(name, runs_dir, storage)
    trial = find_trial(record, number)
    stored = trial.history.mean_curve(record.metric)
    curve = stored or _reported(name, runs_dir, storage, number)
    yield Text(f"trial {number} of study {name}: {_ending(record, trial, curve)}", style="bold")
    if trial.candidate is not None:
        yield Text(describe_candidate(trial.candidate))
    yield ""
    yield from _describe_facts(record, trial, width)
    heading = _heading(record, trial)
    yield from _describe_curve(
        curve, heading, record.metric, width or _PIPE_COLUMNS, braille=braille
    )
    if trial.candidate is None:
        return
    yield from _describe_candidate(trial.candidate)
    yield Text("\nto reproduce it:", style="bold")
    yield from again_commands(record, trial, runs_dir, storage)


def trial_rank(record: StudyRecord, trial: TrialRecord) -> int | None:
    """Return the trial's rank among those that can win, from 1; None if it cannot."""
    numbers = [one.number for one in record.complete()]
    return numbers.index(trial.number) + 1 if trial.number in numbers else None


def _reported(name: str, runs_dir: Path, storage: str | None, number: int) -> list[float]:
    """Return the validation figure of each epoch that a trial has reported."""
    trial = open_stored(name, runs_dir, storage).get_trials(deepcopy=False)[number]
    return [value for _, value in sorted(trial.intermediate_values.items())]


def _ending(record: StudyRecord, trial: TrialRecord, curve: Sequence[float]) -> str:
    rank = trial_rank(record, trial)
    place = "" if rank is None else f", rank {rank} of {len(record.complete())}"
    return printable(describe_outcome(trial, record, curve)) + place


def _describe_facts(
    record: StudyRecord, trial: TrialRecord, width: int | None
) -> Iterator[RenderableType]:
    rows = list(trial_facts(trial, record.metric))
    margin = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        line = f"{name:<{margin}}{printable(value)}"
        yield Text(line if width is None else fill(line, width, subsequent_indent=" " * margin))


def _heading(record: StudyRecord, trial: TrialRecord) -> str:
    folds = trial.history.n_folds()
    mean = f", mean of {folds} folds" if folds > 1 else ""
    best = "" if trial.best_epoch is None else f"; best after epoch {trial.best_epoch}"
    so_far = "" if trial.history.epochs else ", as reported so far"
    return f"validation {record.metric}{mean}{best}{so_far}"


def _describe_curve(
    curve: Sequence[float], heading: str, metric: Metric, width: int, *, braille: bool
) -> Iterator[RenderableType]:
    lines = draw_curve(
        curve, min(width, _MOST_COLUMNS), lambda value: text.score(value, metric), braille=braille
    )
    if lines:
        yield Text(f"\n{heading}", style="bold")
        yield from (Text(line, no_wrap=True) for line in lines)


def _describe_candidate(candidate: Candidate) -> Iterator[RenderableType]:
    yield Text("\ncandidate", style="bold")
    yield Text(indent(constructor(candidate), "  "))


@final
class ShownTrial(ReportPart):
    """One trial with its curve."""

    trial: TrialPart
    """What report.json says of it."""
    rank: int | None
    """Its place among the trials that can win, from 1; null if it cannot."""
    curve: tuple[Number, ...]
    """The mean over folds of the validation score, one value per epoch."""
    fold_curves: tuple[tuple[Number, ...], ...]
    """The same of each fold."""


def trial_json(name: str, runs_dir: Path, storage: str | None, number: int) -> str:
    """Return a trial as one JSON object; raises UserError if there is none."""
    record, _ = read_shown(name, runs_dir, storage)
    trial = find_trial(record, number)
    metric = record.metric
    shown = ShownTrial(
        trial=TrialPart.of(trial, metric),
        rank=trial_rank(record, trial),
        curve=tuple(trial.history.mean_curve(metric)),
        fold_curves=tuple(map(tuple, trial.history.fold_curves(metric))),
    )
    return shown.model_dump_json(indent=2)
