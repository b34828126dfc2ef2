"""A display for terminals: the lines of the others, and under them a block redrawn in place."""

import time
from dataclasses import dataclass
from typing import final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from search.progress.display_base import Display
from search.progress.live_block import draw_search, draw_step
from search.recipe import Recipe
from search.tuning.records import TrialRecord


@final
@dataclass
class _Step:
    """A long step; `first` is how far it was when it was heard of, at the time `began`."""

    first: int
    began: float
    done: int
    total: int

    def seconds_left(self, now: float) -> float | None:
        """Return the time left at the pace so far, None before there is one."""
        advanced = self.done - self.first
        return (self.total - self.done) * (now - self.began) / advanced if advanced else None


@final
class LiveDisplay(Display):
    """The lines, and under them one block that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._steps: dict[str, _Step] = {}
        self._ready = False
        self._live = Live(
            get_renderable=self._draw, console=console, refresh_per_second=4, transient=True
        )
        self._live.start()

    def study_opened(self, recipe: Recipe, n_planned: int, done: list[TrialRecord]) -> None:
        """Begin to count, and show it."""
        super().study_opened(recipe, n_planned, done)
        self._ready = True

    def progress(self, description: str, done: int, total: int) -> None:
        """Show a bar until the step is done."""
        step = self._steps.setdefault(description, _Step(done, time.monotonic(), done, total))
        step.done, step.total = done, total
        if done >= total:
            del self._steps[description]

    def close(self) -> None:
        """Remove the block."""
        self._live.stop()

    def _draw(self) -> RenderableType:
        # The cursor rests behind the last line: the terminal's ^C must not break into a new one.
        width, now = max(self._console.width - 3, 1), time.monotonic()
        blocks: list[RenderableType] = []
        if self._search is not None:
            encoding = self._console.encoding
            blocks.append(draw_search(self._search, self._left(), width, encoding))
        elif not self._ready and not self._steps:
            blocks.append(Text("getting ready: libraries, data, workers, pace", style="dim"))
        for name, step in list(self._steps.items()):
            left_here = step.seconds_left(now)
            blocks.append(draw_step(name, step.done, step.total, left_here, width))
        return Group(*blocks)
