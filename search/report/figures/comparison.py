"""The figures of several searches' best so far: info -> matplotlib."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.plotting import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    integer_axis,
    metric_axis,
    new_figure,
    short,
)
from search.report.info.best_so_far import BaselineLevel, BestSoFar, Point
from search.report.info.comparison import ComparisonInfo

COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
_LINES = ("-", (0, (6, 1.5)), "-.", (0, (1, 1)))  # more than colours tell the searches apart
_LEVELS = ("--", ":", "-.")
_DOTS: dict[str, Any] = {"marker": "o", "markersize": 2.8, "markevery": slice(0, -1)}
_THIN: dict[str, Any] = {"linewidth": 0.7, "alpha": 0.75}
FIRST_FOLD_LABEL = "thin: the first fold alone, until its race ends"
TRIALS_LABEL = "trials, in the plan's order"
_LEGEND_ROW = 0.14  # inches
_NAME = 48  # letters that fit beside a line


class _Course(NamedTuple):
    """Curves with the name of their x axis and what one of its units is."""

    curves: tuple[BestSoFar, ...]
    label: str
    unit: float


def draw_best_over_time(info: ComparisonInfo) -> Figure:
    """Return each search's best so far over the time of search, and the baselines' levels.

    Steps have a dot at each improvement. Early ones far below what searches end with leave the
    picture rather than flatten the rest.
    """
    name, seconds = time_unit(info.drawn)
    return _draw(info, _Course(info.drawn, f"{name} of search", seconds))


def draw_best_over_trials(info: ComparisonInfo) -> Figure:
    """Return the same over trials in the plan's order."""
    figure = _draw(info, _Course(info.drawn_by_trial, TRIALS_LABEL, 1))
    integer_axis(figure.axes[0])
    return figure


def time_unit(curves: Sequence[BestSoFar]) -> tuple[str, float]:
    """Return hours, or minutes where nothing took as long as one, with their seconds."""
    longest = max(curve.total for curve in curves)
    return ("hours", 3600.0) if longest >= 3600 else ("minutes", 60.0)


def _draw(info: ComparisonInfo, course: _Course) -> Figure:
    raced = any(curve.first_fold for curve in course.curves)
    figure = new_figure(2.3 + _LEGEND_ROW * (len(course.curves) + raced + len(info.levels)))
    axes = figure.add_subplot()
    for curve, style in zip(course.curves, _styles(), strict=False):
        _draw_curve(axes, curve, course.unit, style)
    if raced:
        axes.plot([], [], color="black", label=FIRST_FOLD_LABEL, **_THIN)
    for level, dash in zip(info.levels, cycle(_LEVELS), strict=False):
        _draw_level(axes, level, dash)
    axes.set_xlim(left=0)
    axes.set_ylim(shown_range(info, axes.get_ylim()))
    metric_axis(axes, info.metric)
    axes.set_xlabel(course.label)
    axes.set_ylabel(f"best validation {info.metric} so far")
    figure.legend(loc="outside lower center", ncols=1, handlelength=3.2)
    return figure


def shown_range(info: ComparisonInfo, limits: tuple[float, float]) -> tuple[float, float]:
    """Return the limits of the y axis with at most about half of the height for the start."""
    reached = [curve.points[-1].value for curve in info.drawn_by_trial]
    reached += [level.value for level in info.levels]
    low, high = min(reached), max(reached)
    room = max(high - low, 0.1 * high)
    bottom, top = limits
    return (
        (max(bottom, low - room), top)
        if info.metric == "accuracy"
        else (bottom, min(top, high + room))
    )


def _styles() -> Iterator[dict[str, Any]]:
    for colour, line in zip(cycle(COLOURS), cycle(_LINES), strict=False):
        yield {"color": colour, "linestyle": line}


def _draw_curve(axes: Axes, curve: BestSoFar, unit: float, style: dict[str, Any]) -> None:
    """Draw the steps, level after the last; thinly what led to the end of a race."""
    if curve.first_fold:
        _draw_steps(axes, curve.first_fold, curve.total, unit, style | _THIN)
    name = {"label": short(curve.study, _NAME)}
    _draw_steps(axes, curve.points, curve.total, unit, style | _DOTS | name)


def _draw_steps(
    axes: Axes, points: Sequence[Point], total: float, unit: float, style: dict[str, Any]
) -> None:
    places = [point.at / unit for point in points]
    values = [point.value for point in points]
    axes.plot([*places, total / unit], [*values, values[-1]], drawstyle="steps-post", **style)


def _draw_level(axes: Axes, level: BaselineLevel, dash: str) -> None:
    label = short(level.label, _NAME)
    axes.axhline(level.value, color=GREY, linewidth=0.8, linestyle=dash, label=label, zorder=1)
