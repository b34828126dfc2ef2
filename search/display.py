"""Two watchers of a run: a live display for terminals, plain lines for everything else."""

import time
from abc import ABC, abstractmethod
from textwrap import indent
from typing import final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.formatting import format_score, format_seconds
from search.phrases import (
    describe_best,
    describe_end,
    describe_number,
    describe_running,
    describe_stop,
)
from search.progress import SearchProgress
from search.recipe import Recipe
from search.study.records import TrialRecord


def open_display(console: Console) -> "Display":
    """Return the display that suits the console; the caller closes it."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


class Display(ABC):
    """A watcher that keeps the search's progress and logs a line for every trial's end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._search: SearchProgress | None = None

    @abstractmethod
    def progress(self, description: str, done: int, total: int) -> None:
        """Take the state of a long step."""

    @abstractmethod
    def close(self) -> None:
        """Give the terminal back."""

    def notice(self, text: str) -> None:
        """Print a line that the user must see."""
        self._say(text, style="bold")

    def study_opened(self, recipe: Recipe, n_planned: int, done: list[TrialRecord]) -> None:
        """Begin to count; say what is searched and how much there is to do."""
        self._search = SearchProgress(recipe, n_planned)
        for trial in done:
            self._search.earlier(trial)
        self._say(indent(recipe.toml(), "  ").rstrip())
        self._say(f"study {recipe.study_name}: {self._search.done()} of {n_planned} trials done")

    def trial_started(self, number: int, plan: int, slot: int) -> None:
        """Take it in."""
        del plan
        if self._search is not None:
            self._search.started(number, slot)

    def epoch_ended(self, number: int, epoch: int, score: float) -> None:
        """Take it in."""
        if self._search is not None:
            self._search.epoch(number, epoch, score)

    def trial_waiting(self, number: int) -> None:
        """Take it in."""
        if self._search is not None:
            self._search.waiting(number)

    def folds_earned(self, numbers: list[int], n_folds: int, of: int) -> None:
        """Say who goes on."""
        trials = "trial" if len(numbers) == 1 else "trials"
        names = ", ".join(str(number) for number in numbers)
        self._say(f"race: {trials} {names} earned {n_folds} of {of} folds")

    def stopping(self, n_training: int) -> None:
        """Say what it waits for."""
        self._say(describe_stop(n_training), style="bold")

    def trial_ended(self, trial: TrialRecord) -> None:
        """Say how the trial ended, the best so far and the time left."""
        search = self._search
        if search is None:
            return
        search.ended(trial)
        left = format_seconds(search.seconds_left(time.monotonic()))
        self._say(
            f"{describe_number(trial)} {describe_end(trial, search.recipe)}; "
            f"{search.done()} of {search.n_planned} done, {describe_best(search)}, {left} left"
        )

    def search_ended(self) -> None:
        """Say what is best."""
        if self._search is not None:
            self._say(f"search ended: {describe_best(self._search)}")
        self._search = None

    def _say(self, text: str, style: str = "") -> None:
        # Lines in files stay whole; a terminal gets them broken between words.
        self._console.print(Text(text, style), soft_wrap=not self._console.is_terminal)


@final
class PlainDisplay(Display):
    """Lines alone, without colour; suits pipes and log files."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._said: dict[str, int] = {}

    def progress(self, description: str, done: int, total: int) -> None:
        """Print a line at every quarter of the way."""
        quarter = 4 * done // max(total, 1)
        if self._said.get(description) != quarter:
            self._said[description] = quarter
            self._say(f"{description}: {done:,} of {total:,}")

    def close(self) -> None:
        """Do nothing."""


@final
class LiveDisplay(Display):
    """The same lines, and under them one block that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._steps: dict[str, tuple[int, int]] = {}
        self._live = Live(
            get_renderable=self._draw, console=console, refresh_per_second=4, transient=True
        )
        self._live.start()

    def progress(self, description: str, done: int, total: int) -> None:
        """Show a bar until the step is done."""
        self._steps[description] = (done, total)
        if done >= total:
            del self._steps[description]

    def close(self) -> None:
        """Remove the block."""
        self._live.stop()

    def _draw(self) -> RenderableType:
        # The cursor rests behind the last line: the terminal's ^C must not break into a new one.
        width = max(self._console.width - 3, 1)
        steps = list(self._steps.items())
        bars = [_bar(name, done, total, width) for name, (done, total) in steps]
        search: list[RenderableType] = [_panel(self._search, width)] if self._search else []
        return Group(*search, *bars)


def _panel(progress: SearchProgress, width: int) -> Panel:
    left = format_seconds(progress.seconds_left(time.monotonic()))
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(progress.counts.items()))
    head = f"{progress.done()} of {progress.n_planned} trials done, {describe_running(progress)}"
    bar = ProgressBar(total=progress.n_planned, completed=progress.done())
    lines: list[RenderableType] = [
        Text(f"{head} ({counts})" if counts else head),
        Padding(bar, 0),  # a bar alone does not end its line
        Text(f"{describe_best(progress)}; {left} left", style="bold"),
    ]
    table = _workers_table(progress) if progress.running else Text("")
    return Panel(Group(*lines, table), title=f"study {progress.recipe.study_name}", width=width)


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


def _bar(name: str, done: int, total: int, width: int) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.width = width
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    bar = ProgressBar(total=max(total, 1), completed=done)
    table.add_row(name, bar, f"{done:,} of {total:,}")
    return table
