"""The figure of several searches' best so far over time: info -> matplotlib."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.report.figures_base import metric_axis, new_figure, short
from search.report.info_best_so_far import BaselineLevel, BestSoFar, Point
from search.report.info_comparison import ComparisonInfo
from search.report.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
_LINES = ("-", (0, (6, 1.5)), "-.", (0, (1, 1)))  # more than colours tell the searches apart
_LEVELS = ("--", ":", "-.")
_DOTS: dict[str, Any] = {"marker": "o", "markersize": 2.8, "markevery": slice(0, -1)}
_THIN: dict[str, Any] = {"linewidth": 0.7, "alpha": 0.75}
_THIN_LABEL = "thin: the first fold alone, until its race ends"
_LEGEND_ROW = 0.14  # inches
_NAME = 48  # letters that fit beside a line


def draw_best_so_far(info: ComparisonInfo) -> Figure:
    """Return each search's best so far, a dot at each improvement, and the baselines' levels.

    Early steps far below what searches end with leave the picture rather than flatten the rest.
    """
    curves = info.drawn
    raced = any(curve.first_fold for curve in curves)
    figure = new_figure(2.3 + _LEGEND_ROW * (len(curves) + raced + len(info.levels)))
    axes = figure.add_subplot()
    unit, seconds = _unit(curves)
    for curve, style in zip(curves, _styles(), strict=False):
        _draw_curve(axes, curve, seconds, style)
    if raced:
        axes.plot([], [], color="black", label=_THIN_LABEL, **_THIN)
    for level, dash in zip(info.levels, cycle(_LEVELS), strict=False):
        _draw_level(axes, level, dash)
    axes.set_xlim(left=0)
    _leave_out_the_start(axes, info)
    metric_axis(axes, info.metric)
    axes.set_xlabel(f"{unit} of search")
    axes.set_ylabel(f"best validation {info.metric} so far")
    figure.legend(loc="outside lower center", ncols=1, handlelength=3.2)
    return figure


def _leave_out_the_start(axes: Axes, info: ComparisonInfo) -> None:
    """Give the start at most about half of the height."""
    reached = [curve.points[-1].value for curve in info.drawn]
    reached += [level.value for level in info.levels]
    low, high = min(reached), max(reached)
    room = max(high - low, 0.1 * high)
    bottom, top = axes.get_ylim()
    if info.metric == "accuracy":
        axes.set_ylim(bottom=max(bottom, low - room))
    else:
        axes.set_ylim(top=min(top, high + room))


def _unit(curves: Sequence[BestSoFar]) -> tuple[str, float]:
    """Return hours, or minutes where nothing took as long as one, with their seconds."""
    longest = max(curve.total for curve in curves)
    return ("hours", 3600.0) if longest >= 3600 else ("minutes", 60.0)


def _styles() -> Iterator[dict[str, Any]]:
    for colour, line in zip(cycle(_COLOURS), cycle(_LINES), strict=False):
        yield {"color": colour, "linestyle": line}


def _draw_curve(axes: Axes, curve: BestSoFar, seconds: float, style: dict[str, Any]) -> None:
    """Draw the steps, level after the last; thinly what led to the end of a race."""
    if curve.first_fold:
        _draw_steps(axes, curve.first_fold, curve.total, seconds, style | _THIN)
    name = {"label": short(curve.study, _NAME)}
    _draw_steps(axes, curve.points, curve.total, seconds, style | _DOTS | name)


def _draw_steps(
    axes: Axes, points: Sequence[Point], total: float, seconds: float, style: dict[str, Any]
) -> None:
    places = [point.seconds / seconds for point in points]
    values = [point.value for point in points]
    axes.plot([*places, total / seconds], [*values, values[-1]], drawstyle="steps-post", **style)


def _draw_level(axes: Axes, level: BaselineLevel, dash: str) -> None:
    label = short(level.label, _NAME)
    axes.axhline(level.value, color=GREY, linewidth=0.8, linestyle=dash, label=label, zorder=1)
