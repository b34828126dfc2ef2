"""What all displays of a run have in common: they keep its progress and say how trials end."""

import time
from abc import ABC, abstractmethod

from rich.console import Console
from rich.text import Text

from search.progress.countdown import Countdown
from search.progress.hanging import hang
from search.progress.phrases import (
    describe_best,
    describe_end,
    describe_left,
    describe_number,
    describe_stop,
    describe_timeout,
    format_trials,
)
from search.progress.plan_lines import plan_lines
from search.progress.progress import SearchProgress
from search.recipe import Recipe
from search.tuning.planning import PlanInfo
from search.tuning.records import TrialRecord

_LABEL = 12  # the width of the plan's longest label


class Display(ABC):
    """A watcher that keeps the search's progress and logs a line for every trial's end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._search: SearchProgress | None = None
        self._countdown: Countdown | None = None
        self._plan: PlanInfo | None = None
        self._told_late = False
        self._end = "ended"

    @abstractmethod
    def progress(self, description: str, done: int, total: int) -> None:
        """Take the state of a long step."""

    @abstractmethod
    def close(self) -> None:
        """Give the terminal back."""

    def notice(self, text: str) -> None:
        """Print a line that the user must see."""
        self._say(text, style="bold")

    def planned(self, plan: PlanInfo) -> None:
        """Say what is planned, a line a subject."""
        self._plan = plan
        for label, words in plan_lines(plan):
            self._say(f"{label + ':':<{_LABEL}}{words}")

    def study_opened(self, recipe: Recipe, n_planned: int, done: list[TrialRecord]) -> None:
        """Begin to count."""
        self._search = SearchProgress(recipe, n_planned)
        for trial in done:
            self._search.earlier(trial)
        estimate, began = self._plan and self._plan.estimate, time.monotonic()
        self._countdown = Countdown(self._search, estimate, began)
        self._reckon()

    def trial_started(self, number: int, plan: int, slot: int) -> None:
        """Take it in."""
        del plan
        if self._search is not None:
            self._search.started(number, slot)

    def epoch_ended(self, number: int, epoch: int, score: float) -> None:
        """Take it in."""
        if self._search is not None:
            self._search.epoch(number, epoch, score)
        self._reckon()

    def trial_waiting(self, number: int) -> None:
        """Take it in."""
        if self._search is not None:
            self._search.waiting(number)

    def folds_earned(self, numbers: list[int], n_folds: int, of: int) -> None:
        """Say who goes on."""
        if self._search is not None:
            self._search.earned(numbers, n_folds, of)
        self._reckon()
        self._say(f"race: {format_trials(numbers)} earned {n_folds} of {of} folds")

    def stopping(self, n_training: int) -> None:
        """Say what it waits for."""
        self._end = "interrupted"
        self._say(describe_stop(n_training), style="bold")

    def trial_ended(self, trial: TrialRecord) -> None:
        """Say how the trial ended, the best so far and the time left."""
        search = self._search
        if search is None:
            return
        search.ended(trial)
        self._reckon()
        self._say(
            f"{describe_number(trial)} {describe_end(trial, search.recipe)}; "
            f"{search.done()} of {search.n_planned} done, {describe_best(search)}, "
            f"{self._left()}"
        )

    def search_ended(self) -> None:
        """Say what is best."""
        if self._search is not None:
            timeout = self._end == "ended" and self._is_late()
            how = "ended by its timeout" if timeout else self._end
            done = f"{self._search.done()} of {self._search.n_planned} trials done"
            self._say(f"search {how}, {done}, {describe_best(self._search)}")
        self._search = self._countdown = None

    def _reckon(self) -> None:
        """Have the time left follow what happened, and say once that the time is up."""
        if self._countdown is None:
            return
        self._countdown.reckon(time.monotonic())
        if self._is_late() and self._countdown.progress.running and not self._told_late:
            self._told_late = True
            self._say(describe_timeout(self._countdown), style="bold")

    def _is_late(self) -> bool:
        return self._countdown is not None and self._countdown.is_late(time.monotonic())

    def _left(self) -> str:
        countdown = self._countdown
        return "" if countdown is None else describe_left(countdown, time.monotonic())

    def _say(self, text: str, style: str = "") -> None:
        # Lines in files stay whole; a terminal gets them broken between words.
        if self._console.is_terminal:
            self._console.print(hang(Text(text, style), self._console))
        else:
            self._console.print(Text(text, style), soft_wrap=True)
