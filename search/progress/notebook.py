"""The display of a run in a notebook: one block below the cell, redrawn in place."""

import html
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, final

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
    plan_lines,
)
from search.tuning.estimate import Estimate
from search.tuning.run_events import PlanMade, SearchEnded, Stopping, StudyOpened, TrialEnded

_REDRAW_SECONDS = 0.25
_N_LINES = 3  # of the last trials

Show = Callable[[str], None]
"""Shows a fragment of HTML in the place of the one before it."""


@final
class NotebookDisplay:
    """A listener that shows the plan, a progress bar and the last trials.

    Args:
        show: Replaces what is shown.
        now: The clock, in seconds.
    """

    def __init__(self, show: Show, now: Callable[[], float] = time.monotonic) -> None:
        self._show, self._now = show, now
        self._drawn = float("-inf")
        self._search: SearchProgress | None = None
        self._eta: Eta | None = None
        self._estimate: Estimate | None = None
        self._plan: tuple[tuple[str, str], ...] = ()
        self._notices: list[str] = []
        self._trials: list[str] = []
        self._step: StepProgress | None = None

    def __call__(self, event: Event) -> None:
        """Take the event in, and redraw unless that was done just now."""
        match event:
            case Notice():
                self._notices.append(event.text)
            case StepProgress():
                self._step = event if event.done < event.total else None
            case PlanMade():
                self._plan, self._estimate = plan_lines(event.plan), event.plan.estimate
            case StudyOpened():
                self._search = SearchProgress(event.recipe, event.n_planned)
                self._search.take(event)
                self._eta = Eta(self._search, self._estimate, self._now())
            case Stopping():
                self._notices.append(describe_stop(event.n_training))
            case _:
                self._take(event)
        important = isinstance(event, TrialEnded | SearchEnded | StudyOpened | PlanMade | Notice)
        if important or self._now() - self._drawn >= _REDRAW_SECONDS:
            self.draw()

    def _take(self, event: Event) -> None:
        if self._search is None or self._eta is None:
            return
        self._search.take(event)
        self._eta.update(self._now())
        if isinstance(event, TrialEnded):
            end = describe_end(event.trial, self._search.recipe, self._search.metric)
            self._trials.append(f"{describe_number(event.trial)} {end}")
        elif isinstance(event, SearchEnded):
            self._eta = None

    def draw(self) -> None:
        """Show the present state."""
        self._drawn = self._now()
        parts = [_line(text, bold=True) for text in self._notices]
        parts += [_line(f"{label}: {words}") for label, words in self._plan]
        if self._search is not None:
            parts.append(self._bar(self._search))
            parts += [_line(text) for text in self._trials[-_N_LINES:]]
        if self._step is not None:
            step = self._step
            parts.append(
                _bar(f"{step.step}: {step.done:,} of {step.total:,}", step.done, step.total)
            )
        self._show("".join(parts))

    def close(self) -> None:
        """Draw what has happened since, for good."""
        self._step = None
        self.draw()

    def _bar(self, search: SearchProgress) -> str:
        name, done = search.recipe.study_name, search.done()
        words = f"study {name}: {text.trials_done(done, search.n_planned)}, {describe_best(search)}"
        race = describe_race(search)
        if race is not None:
            words += f"; {race}"
        if self._eta is not None:
            words += f"; {describe_running(search)}; {describe_left(self._eta, self._now())}"
        return _bar(words, done, search.n_planned)


def notebook_show() -> Show:
    """Return what shows HTML below the running cell, replacing what it showed before."""
    ipython: Any = import_module("IPython.display")  # which is there in notebooks only
    handle = ipython.display(ipython.HTML(""), display_id=True)

    def show(fragment: str) -> None:
        handle.update(ipython.HTML(fragment))

    return show


def _line(text: str, *, bold: bool = False) -> str:
    shown = html.escape(text)
    return f"<div>{f'<b>{shown}</b>' if bold else shown}</div>"


def _bar(words: str, done: int, total: int) -> str:
    bar = f'<progress value="{done}" max="{max(total, 1)}" style="width:100%"></progress>'
    return f"{_line(words, bold=True)}{bar}"
