"""The slices of a search on paper: info -> matplotlib."""

from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.plotting import VERMILLION, metric_axis, new_figure, short
from search.report.info.slices import Slice, SlicesInfo
from search.report.plots.trials import paper_mark
from search.report.trials import ENDED

_COLUMNS = 3
_PANEL = 2.36  # inches of a panel's width: three fill both columns of a paper
_CHARACTER = 0.034  # of an axis: the width of a character of a tick's name


def draw_slices(info: SlicesInfo) -> Figure:
    """Return a panel for each parameter with the trials as points; all have the score's axis."""
    n = len(info.slices)
    rows, columns = -(-n // _COLUMNS), min(n, _COLUMNS)
    figure = new_figure(0.4 + 1.85 * rows, _PANEL * columns)
    panels = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for axes, one in zip(panels, info.slices, strict=False):
        _draw(axes, info, one)
    for axes in panels[n:]:
        axes.set_visible(False)
    figure.supylabel(info.score, fontsize=8)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, handletextpad=0.2)
    return figure


def _draw(axes: Axes, info: SlicesInfo, one: Slice) -> None:
    for kind in ENDED:
        if trials := info.of_kind(kind):
            xs, ys = ([values[t] for t in trials] for values in (one.places, info.values))
            axes.scatter(xs, ys, label=kind, zorder=3, **paper_mark(kind))
    if info.winner in info.numbers:
        index = info.numbers.index(info.winner)
        star: dict[str, Any] = {
            "marker": "*",
            "s": 60,
            "color": VERMILLION,
            "label": "winner",
            "zorder": 4,
        }
        axes.scatter(one.places[index], info.values[index], **star)
    axes.set_title(f"{short(one.axis.name, 30)}\n{one.weight}", fontsize=7)
    axes.set_xlim(one.reach)
    _ticks(axes, one)
    metric_axis(axes, info.metric)


def _ticks(axes: Axes, one: Slice) -> None:
    positions = [position for position, _ in one.axis.ticks]
    labels = [short(label, 12) for _, label in one.axis.ticks]
    leaning: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(positions, labels, **({} if _fit(positions, labels) else leaning))


def _fit(positions: list[float], labels: list[str]) -> bool:
    """Return whether labels centred below these positions keep clear of each other."""
    lengths = [_CHARACTER * len(label) for label in labels]
    return all(
        right - left > (one + other) / 2 + _CHARACTER / 2
        for (left, right), (one, other) in zip(pairwise(positions), pairwise(lengths), strict=True)
    )
