"""Console displays of a run: live in a terminal, plain lines elsewhere, or nothing."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search import text
from search.events import Event, Notice, StepProgress
from search.progress.state import Eta, SearchProgress
from search.progress.words import (
    describe_best,
    describe_end,
    describe_left,
    describe_number,
    describe_race,
    describe_running,
    describe_stop,
    describe_timeout,
    format_trials,
    plan_lines,
)
from search.progress.wrapping import wrap_under_label
from search.tuning.plan import PlanInfo
from search.tuning.run_events import (
    EpochEnded,
    FoldsEarned,
    PlanMade,
    SearchEnded,
    Stopping,
    StudyOpened,
    TrialEnded,
    WorkersChanged,
)

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-=*#"


def sparkline(values: Sequence[float], width: int, encoding: str) -> str:
    """Return the values as block characters of different heights, or in ASCII if necessary.

    If there are more values than `width`, the last of each part is drawn; equal values are all
    drawn at half height.
    """
    levels = BLOCKS if _has_blocks(encoding) else ASCII
    shown = _thinned(values, width)
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if low == high:
        return levels[len(levels) // 2] * len(shown)
    scale = (len(levels) - 1) / (high - low)
    return "".join(levels[round((value - low) * scale)] for value in shown)


def _has_blocks(encoding: str) -> bool:
    try:
        BLOCKS.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _thinned(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    return [values[(i + 1) * len(values) // width - 1] for i in range(max(width, 0))]


_WIDEST_CURVE = 60
_FRAME = 4  # columns that the panel takes of the width


def draw_search(progress: SearchProgress, left: str, width: int, encoding: str) -> Panel:
    """Return a panel of `width` columns: counts, the curve of the best score, workers."""
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(progress.counts.items()))
    done = text.trials_done(progress.done(), progress.n_planned)
    head = f"{done}, {describe_running(progress)}"
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
    """Return a progress bar of `width` columns for a step that takes `left` more seconds."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.width = width
    table.add_column(overflow="ellipsis", no_wrap=True)
    table.add_column(ratio=1, min_width=4)
    table.add_column(justify="right", no_wrap=True)
    bar = ProgressBar(total=max(total, 1), completed=done)
    rest = "" if left is None else f", {text.duration(round(left))} left"
    table.add_row(Text(name), bar, f"{done:,} of {total:,}{rest}")
    return table


def _curve(progress: SearchProgress, width: int, encoding: str) -> list[RenderableType]:
    """Return the curve of the best score between its first and last value, if it has two."""
    values, metric = progress.curve, progress.metric
    if len(values) < 2:
        return []
    first, last = text.score(values[0], metric), text.score(values[-1], metric)
    room = min(width - len(first) - len(last) - 2, _WIDEST_CURVE)
    if room < 1:
        return []
    drawn = sparkline(values, room, encoding)
    return [Text.assemble(f"{first} ", (drawn, "green"), f" {last}", no_wrap=True)]


def _workers_table(progress: SearchProgress) -> Table:
    table, running = Table(box=None, pad_edge=False), progress.running.values()
    training = [(trial.slot, trial) for trial in running if trial.slot is not None]
    hosts = ("host",) if any(trial.host for _, trial in training) else ()
    for column in ("worker", *hosts, "trial", "epoch", f"validation {progress.metric}"):
        table.add_column(column, justify="right")
    for slot, trial in sorted(training, key=lambda one: one[0]):
        score = text.score(trial.score, progress.metric)
        epochs = f"{trial.epoch}/{progress.recipe.epochs}"
        host = (trial.host or "",) if hosts else ()
        table.add_row(str(slot), *host, str(trial.number), epochs, score)
    return table


_LABEL = 12  # the width of the plan's longest label


class Display(ABC):
    """A listener that follows the search and prints a line when a trial ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._search: SearchProgress | None = None
        self._eta: Eta | None = None
        self._plan: PlanInfo | None = None
        self._told_late = False
        self._end = "ended"

    def __call__(self, event: Event) -> None:
        """Show the event, unless the display has no words for it."""
        match event:
            case Notice():
                self._say(event.text, style="bold")
            case StepProgress():
                self._show_step(event)
            case PlanMade():
                self._show_plan(event.plan)
            case StudyOpened():
                self._open_search(event)
            case _ if self._search is not None:
                self._search.take(event)
                self._show(event, self._search)

    @abstractmethod
    def _show_step(self, event: StepProgress) -> None:
        """Show the progress of a long step."""

    @abstractmethod
    def close(self) -> None:
        """Give the terminal back."""

    def _show_plan(self, plan: PlanInfo) -> None:
        self._plan = plan
        for label, words in plan_lines(plan):
            self._say(f"{label + ':':<{_LABEL}}{words}")

    def _open_search(self, event: StudyOpened) -> None:
        self._search = SearchProgress(event.recipe, event.n_planned)
        self._search.take(event)
        estimate, began = self._plan and self._plan.estimate, time.monotonic()
        self._eta = Eta(self._search, estimate, began)
        self._update_eta()

    def _show(self, event: Event, search: SearchProgress) -> None:
        """Show an event of the current search."""
        match event:
            case EpochEnded():
                self._update_eta()
            case WorkersChanged():
                if self._eta is not None:
                    self._eta.change_workers(event.before, event.n_workers, time.monotonic())
                self._say(f"workers: {event.n_workers} (before: {event.before})")
            case FoldsEarned():
                self._update_eta()
                trials = format_trials(event.numbers)
                self._say(f"race: {trials} earned {event.n_folds} of {event.of} folds")
            case Stopping():
                self._end = "interrupted"
                self._say(describe_stop(event.n_training), style="bold")
            case TrialEnded():
                self._update_eta()
                ended = describe_end(event.trial, search.recipe, search.metric)
                self._say(
                    f"{describe_number(event.trial)} {ended}; "
                    f"{search.done()} of {search.n_planned} done, {describe_best(search)}, "
                    f"{self._left()}"
                )
            case SearchEnded():
                timeout = self._end == "ended" and self._is_late()
                how = "ended by the timeout" if timeout else self._end
                done = text.trials_done(search.done(), search.n_planned)
                self._say(f"search {how}, {done}, {describe_best(search)}")
                self._search = self._eta = None
            case _:
                pass

    def _update_eta(self) -> None:
        """Update the time left; say once if the time is up."""
        if self._eta is None:
            return
        self._eta.update(time.monotonic())
        if self._is_late() and self._eta.progress.running and not self._told_late:
            self._told_late = True
            self._say(describe_timeout(self._eta), style="bold")

    def _is_late(self) -> bool:
        return self._eta is not None and self._eta.is_late(time.monotonic())

    def _left(self) -> str:
        eta = self._eta
        return "" if eta is None else describe_left(eta, time.monotonic())

    def _say(self, text: str, style: str = "") -> None:
        # Files get whole lines; on a terminal they are wrapped between words.
        if self._console.is_terminal:
            self._console.print(wrap_under_label(Text(text, style), self._console))
        else:
            self._console.print(Text(text, style), soft_wrap=True)


@final
class PlainDisplay(Display):
    """Only lines, without colour."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._said: dict[str, int] = {}

    def _show_step(self, event: StepProgress) -> None:
        """Print a line for every quarter of the step."""
        quarter = 4 * event.done // max(event.total, 1)
        if self._said.get(event.step) != quarter:
            self._said[event.step] = quarter
            self._say(f"{event.step}: {event.done:,} of {event.total:,}")

    def close(self) -> None:
        """Do nothing."""


@final
class QuietDisplay(Display):
    """Shows nothing during the run."""

    def _show_step(self, event: StepProgress) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def _say(self, text: str, style: str = "") -> None:
        """Do nothing."""


@final
@dataclass
class _Step:
    """A long step; `first` is what was done when it was first reported, at time `began`."""

    first: int
    began: float
    done: int
    total: int

    def seconds_left(self, now: float) -> float | None:
        """Return the time left at the speed so far; None while that is unknown."""
        advanced = self.done - self.first
        return (self.total - self.done) * (now - self.began) / advanced if advanced else None


@final
class LiveDisplay(Display):
    """Lines, followed by a block that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._steps: dict[str, _Step] = {}
        self._ready = False
        self._live = Live(
            get_renderable=self._draw, console=console, refresh_per_second=4, transient=True
        )
        self._live.start()

    def _open_search(self, event: StudyOpened) -> None:
        super()._open_search(event)
        self._ready = True

    def _show_step(self, event: StepProgress) -> None:
        """Show a bar until the step is done."""
        new = _Step(event.done, time.monotonic(), event.done, event.total)
        step = self._steps.setdefault(event.step, new)
        step.done, step.total = event.done, event.total
        if event.done >= event.total:
            del self._steps[event.step]

    def close(self) -> None:
        """Remove the block."""
        self._live.stop()

    def _draw(self) -> RenderableType:
        # Leave room behind the last line for the ^C that the terminal prints at the cursor.
        width, now = max(self._console.width - 3, 1), time.monotonic()
        blocks: list[RenderableType] = []
        if self._search is not None:
            encoding = self._console.encoding
            blocks.append(draw_search(self._search, self._left(), width, encoding))
        elif not self._ready and not self._steps:
            blocks.append(
                Text(
                    "getting ready: loading libraries and data, starting workers, measuring speed",
                    style="dim",
                )
            )
        for name, step in list(self._steps.items()):
            left_here = step.seconds_left(now)
            blocks.append(draw_step(name, step.done, step.total, left_here, width))
        return Group(*blocks)


def open_display(console: Console) -> Display:
    """Return the display that suits the console; the caller has to close it.

    Only a terminal that can redraw gets a live block, not a pipe for which colours are forced.
    """
    live = console.is_interactive and console.file.isatty()
    return LiveDisplay(console) if live else PlainDisplay(console)
