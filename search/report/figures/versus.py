"""The figure of winner and baseline by class: info -> matplotlib."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.plotting import BLUE, GREY, ORANGE, new_figure, percentages, short
from search.report.info.gains import ClassGain
from search.report.info.versus import VersusInfo
from search.text import points


def draw_versus_baseline(info: VersusInfo) -> Figure:
    """Return both recalls of each class, joined, the greatest gain first; all classes on top."""
    rows = (info.overall, *info.shown)
    figure = new_figure(1.1 + 0.19 * len(rows))
    axes = figure.add_subplot()
    # A little room sets all classes apart from each.
    places = [-0.4, *(float(place) for place in range(1, len(rows)))]
    _draw_pairs(axes, rows, places)
    for row, place in zip(rows, places, strict=True):
        weight = "bold" if row is rows[0] else "normal"
        text = points(row.gain, 1)
        beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": 7}
        axes.text(1.12, place, text, ha="right", va="center", weight=weight, **beside)
    axes.text(1.12, -1.15, "points", ha="right", fontsize=7, transform=axes.get_yaxis_transform())
    axes.set_yticks(places, [short(row.name, 18) for row in rows])
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(rows) - 0.4, -0.9)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(percentages())
    if len(rows) <= len(info.gains):
        axes.set_ylabel(f"{len(rows) - 1} of {len(info.gains)} classes: greatest gains, then least")
    axes.set_xlabel("images of the class that are right (recall)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _draw_pairs(axes: Axes, rows: tuple[ClassGain, ...], places: list[float]) -> None:
    baseline = [row.baseline_recall for row in rows]
    winner = [row.winner_recall for row in rows]
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.hlines(places, baseline, winner, color=GREY, linewidth=1)
    axes.scatter(baseline, places, s=20, color=ORANGE, marker="D", label="baseline", zorder=3)
    axes.scatter(winner, places, s=24, color=BLUE, label="winner", zorder=4)
