"""The best so far of several searches, over time or over trials: on paper and on the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, final

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.metric import Metric
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
from search.report.best_so_far import BaselineLevel, BestSoFar, Point
from search.report.plots.page import Chart, escape, metric_format, new_chart_figure, wrap
from search.text import score

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
# More than colours tell the searches apart: dashes on paper, and the same on the page.
_LINES = ("-", (0, (6, 1.5)), "-.", (0, (1, 1)))
_DASHES = ("solid", "longdash", "dashdot", "dot")
_LEVEL_LINES = ("--", ":", "-.")
_LEVEL_DASHES = ("dash", "dot", "dashdot")
_DOTS: dict[str, Any] = {"marker": "o", "markersize": 2.8, "markevery": slice(0, -1)}
_THIN: dict[str, Any] = {"linewidth": 0.7, "alpha": 0.75}
_LEGEND_ROW = 0.14  # inches
_NAME = 48  # letters that fit beside a line


@final
@dataclass(frozen=True)
class Courses:
    """Curves of searches along one axis, and the levels of the baselines.

    Args:
        curves: At least one, each with at least one point.
        levels: One a baseline study.
        metric: What all of them measure.
        label: What the x axis is of.
        unit: How much of a curve's `at` one unit of the axis is.
    """

    curves: tuple[BestSoFar, ...]
    levels: tuple[BaselineLevel, ...]
    metric: Metric
    label: str
    unit: float = 1.0

    def y_limits(self, limits: tuple[float, float]) -> tuple[float, float]:
        """Cut the limits of the y axis so that the start takes at most about half of the height."""
        reached = [curve.points[-1].value for curve in self.curves]
        reached += [level.value for level in self.levels]
        low, high = min(reached), max(reached)
        room = max(high - low, 0.1 * high)
        bottom, top = limits
        if self.metric == "accuracy":
            return max(bottom, low - room), top
        return bottom, min(top, high + room)

    def draw(self) -> Figure:
        """Draw the steps with a dot at each improvement, level after the last.

        What led to the end of a race is thin. Early steps far below the end leave the picture.
        """
        raced = any(curve.first_fold for curve in self.curves)
        rows = len(self.curves) + raced + len(self.levels)
        figure = new_figure(2.3 + _LEGEND_ROW * rows)
        axes = figure.add_subplot()
        for curve, style in zip(self.curves, paper_styles(), strict=False):
            if curve.first_fold:
                self._draw_steps(axes, curve, curve.first_fold, style | _THIN)
            name = {"label": short(curve.study, _NAME)}
            self._draw_steps(axes, curve, curve.points, style | _DOTS | name)
        if raced:
            label = "thin: the first fold only, until its race ends"
            axes.plot([], [], color="black", label=label, **_THIN)
        for level, line in zip(self.levels, cycle(_LEVEL_LINES), strict=False):
            grey: dict[str, Any] = {"color": GREY, "linewidth": 0.8, "zorder": 1}
            axes.axhline(level.value, linestyle=line, label=short(level.label, _NAME), **grey)
        axes.set_xlim(left=0)
        axes.set_ylim(self.y_limits(axes.get_ylim()))
        metric_axis(axes, self.metric)
        if self.unit == 1:
            integer_axis(axes)
        axes.set_xlabel(self.label)
        axes.set_ylabel(f"best validation {self.metric} so far")
        figure.legend(loc="outside lower center", ncols=1, handlelength=3.2)
        return figure

    def _draw_steps(
        self, axes: Axes, curve: BestSoFar, points: Sequence[Point], style: dict[str, Any]
    ) -> None:
        places = [*(point.at / self.unit for point in points), curve.total / self.unit]
        values = [*(point.value for point in points), points[-1].value]
        axes.plot(places, values, drawstyle="steps-post", **style)

    def chart(self) -> Chart:
        """Draw the same for the page; hovering shows each improvement's trial."""
        legend = 20 * (len(self.curves) + len(self.levels))  # a line each, on a phone
        figure = new_chart_figure(
            xaxis={"title": self.label, "rangemode": "tozero"},
            yaxis={
                "title": f"best validation {self.metric} so far",
                "tickformat": metric_format(self.metric),
                "range": self._range(),
            },
            legend={"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0},
            margin={"l": 60, "r": 16, "t": 16, "b": 64 + legend},
        )
        looks = zip(cycle(_COLOURS), cycle(_DASHES), strict=False)
        for curve, (colour, dash) in zip(self.curves, looks, strict=False):
            line = {"color": colour, "dash": dash, "shape": "hv"}
            if curve.first_fold:
                figure.add_trace(self._first_fold(curve, line | {"width": 1}))
            figure.add_trace(self._steps(curve, line | {"width": 2.5}))
        end = max(curve.total for curve in self.curves) / self.unit
        for level, dash in zip(self.levels, cycle(_LEVEL_DASHES), strict=False):
            figure.add_trace(self._level(level, end, dash))
        return Chart(figure, 360 + legend)

    def _range(self) -> tuple[float, float]:
        """The limits of the page's y axis, with some room around what they let in."""
        values = [p.value for curve in self.curves for p in (*curve.points, *curve.first_fold)]
        values += [level.value for level in self.levels]
        low, high = self.y_limits((min(values), max(values)))
        room = 0.06 * (high - low) or 0.01
        return low - room, high + room

    def _steps(self, curve: BestSoFar, line: dict[str, object]) -> go.Scatter:
        points = (*curve.points, curve.points[-1]._replace(at=curve.total))
        return go.Scatter(
            x=[point.at / self.unit for point in points],
            y=[point.value for point in points],
            mode="lines+markers",
            line=line,
            marker={"size": [8] * len(curve.points) + [0], "color": line["color"]},
            name=escape(curve.study),
            legendgroup=escape(curve.study),
            text=[self._hover(curve.study, point) for point in points],
            hovertemplate="%{text}<extra></extra>",
        )

    def _first_fold(self, curve: BestSoFar, line: dict[str, object]) -> go.Scatter:
        """What led to the end of a race, as a thin line that goes with its search's."""
        points = curve.first_fold
        return go.Scatter(
            x=[*(point.at / self.unit for point in points), curve.total / self.unit],
            y=[*(point.value for point in points), points[-1].value],
            mode="lines",
            line=line,
            legendgroup=escape(curve.study),
            showlegend=False,
            text=[*(self._hover(f"{curve.study}, first fold", p) for p in points), ""],
            hovertemplate="%{text}<extra></extra>",
        )

    def _hover(self, study: str, point: Point) -> str:
        value = score(point.value, self.metric)
        head = f"<b>{escape(study)}</b>, trial {point.trial}: {value}"
        return "<br>".join((head, wrap(point.words))) if point.words else head

    def _level(self, level: BaselineLevel, end: float, dash: str) -> go.Scatter:
        name = escape(level.label)
        return go.Scatter(
            x=[0, end],
            y=[level.value, level.value],
            mode="lines",
            line={"color": GREY, "width": 1.5, "dash": dash},
            name=name,
            hovertemplate=f"{name}: {score(level.value, self.metric)}<extra></extra>",
        )


def paper_styles() -> Iterator[dict[str, Any]]:
    """Yield colour and line of each search on paper; twelve can be told apart."""
    for colour, line in zip(cycle(_COLOURS), cycle(_LINES), strict=False):
        yield {"color": colour, "linestyle": line}
