"""The figure: the best accuracy so far over time, a line a tool, a band over the seeds."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from search.metric import ACCURACY
from search.plotting import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    metric_axis,
    new_figure,
    paper_style,
)
from tests.benchmarks.peers.contestants import CONTESTANTS
from tests.benchmarks.peers.records import EpochRecord, best_at

Records = Mapping[str, Sequence[Sequence[EpochRecord]]]
_STYLES = {
    "ours": (BLUE, "-"),
    "ours-elsewhere": (SKY, (0, (5, 1))),
    "ours-drawn": (VERMILLION, (0, (5, 1))),
    "ours-tpe": (GREY, (0, (5, 1))),
    "optuna": (ORANGE, (0, (4, 1, 1, 1))),
    "ray": (GREEN, (0, (3, 1, 1, 1, 1, 1))),
    "keras": (VERMILLION, (0, (1, 2))),
    "sklearn": (PURPLE, (0, (1, 1))),
}
_POINTS = 500


def draw(records: Records, baselines: Sequence[float], budget: float, path: Path) -> None:
    """Write the figure as PDF and PNG; `records` by tool, then by seed.

    Lines are medians, bands reach from the worst to the best seed; both begin when every seed
    has a first epoch. The dashed line is the mean of the seeds' baselines.
    """
    with paper_style():
        figure = new_figure(3.3, 5.0)
        axes = figure.add_subplot()
        for tool, searches in records.items():
            _draw_tool(axes, tool, searches, budget)
        baseline = statistics.fmean(baselines)
        axes.axhline(baseline, color="black", linestyle="--", linewidth=0.8, label="hand-tuned")
        axes.set(xlim=(0, budget), xlabel="seconds since the command")
        axes.set_ylabel("best validation accuracy so far")
        metric_axis(axes, ACCURACY)
        figure.legend(loc="outside upper center", ncols=2)
        for suffix in (".pdf", ".png"):
            with mpl.rc_context({"savefig.dpi": 200}):
                figure.savefig(path.with_suffix(suffix))


def _draw_tool(
    axes: Axes, tool: str, searches: Sequence[Sequence[EpochRecord]], budget: float
) -> None:
    if not all(searches):
        return
    begin = max(search[0].second for search in searches)
    seconds = [begin + (budget - begin) * i / _POINTS for i in range(_POINTS + 1)]
    levels = [[best_at(search, second) or 0.0 for search in searches] for second in seconds]
    colour, dashes = _STYLES[tool]
    medians = [statistics.median(one) for one in levels]
    lows, highs = [min(one) for one in levels], [max(one) for one in levels]
    title = CONTESTANTS[tool].title
    axes.plot(seconds, medians, color=colour, linestyle=dashes, drawstyle="steps-post", label=title)
    axes.fill_between(seconds, lows, highs, color=colour, alpha=0.15, linewidth=0, step="post")
