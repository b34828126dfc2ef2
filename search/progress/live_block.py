"""Draws the block of the live display: the search with its workers, and the bars of long steps."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.formatting import format_score, format_seconds
from search.progress.phrases import describe_best, describe_race, describe_running
from search.progress.progress import SearchProgress
from search.progress.sparkline import sparkline

_WIDEST_CURVE = 60
_FRAME = 4  # columns that the panel takes of the width


def draw_search(progress: SearchProgress, left: str, width: int, encoding: str) -> Panel:
    """Return the search within so many columns: counts, best so far as a curve, workers."""
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(progress.counts.items()))
    head = f"{progress.done()} of {progress.n_planned} trials done, {describe_running(progress)}"
    race = describe_race(progress)
    lines: list[RenderableType] = [
        Text(f"{head} ({counts})" if counts else head),
        Padding(ProgressBar(total=progress.n_planned, completed=progress.done()), 0),
        Text(f"{describe_best(progress)}; {left}", style="bold"),
        *([Text(race)] if race else []),
        *_curve(progress, width - _FRAME, encoding),
        _workers_table(progress) if progress.running else Text(""),
    ]
    return Panel(Group(*lines), title=f"study {progress.recipe.study_name}", width=width)


def draw_step(name: str, done: int, total: int, left: float | None, width: int) -> Table:
    """Return a bar of so many columns for a long step, `left` seconds from its end."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.width = width
    table.add_column(overflow="ellipsis", no_wrap=True)
    table.add_column(ratio=1, min_width=4)
    table.add_column(justify="right", no_wrap=True)
    bar = ProgressBar(total=max(total, 1), completed=done)
    rest = "" if left is None else f", {format_seconds(left)} left"
    table.add_row(Text(name), bar, f"{done:,} of {total:,}{rest}")
    return table


def _curve(progress: SearchProgress, width: int, encoding: str) -> list[RenderableType]:
    """Return the line of the best so far, from its first value to its last; none of one value."""
    values, metric = progress.curve, progress.recipe.metric
    if len(values) < 2:
        return []
    first, last = format_score(values[0], metric), format_score(values[-1], metric)
    room = min(width - len(first) - len(last) - 2, _WIDEST_CURVE)
    if room < 1:
        return []
    drawn = sparkline(values, room, encoding)
    return [Text.assemble(f"{first} ", (drawn, "green"), f" {last}", no_wrap=True)]


def _workers_table(progress: SearchProgress) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("worker", "trial", "epoch", f"validation {progress.recipe.metric}"):
        table.add_column(column, justify="right")
    running = progress.running.values()
    training = [(trial.slot, trial) for trial in running if trial.slot is not None]
    for slot, trial in sorted(training, key=lambda one: one[0]):
        score = format_score(trial.score, progress.recipe.metric)
        epochs = f"{trial.epoch}/{progress.recipe.epochs}"
        table.add_row(str(slot), str(trial.number), epochs, score)
    return table
