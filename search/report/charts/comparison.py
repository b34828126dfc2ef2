"""Interactive charts of several studies: info -> plotly."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import NamedTuple

import plotly.graph_objects as go

from search.metric import Metric
from search.plotting import GREY
from search.report.charts.base import Chart, escape, metric_format, new_chart_figure, wrap
from search.report.charts.results import results_chart
from search.report.figures.comparison import COLOURS, TRIALS_LABEL, shown_range, time_unit
from search.report.info.best_so_far import BaselineLevel, BestSoFar, Point
from search.report.info.comparison import ComparisonInfo
from search.text import score

_DASHES = ("solid", "longdash", "dashdot", "dot")  # with the colours, as in the paper's figure
_LEVEL_DASHES = ("dash", "dot", "dashdot")


class _Course(NamedTuple):
    """Curves with what their x axis is of, one of its units, and a few words for who cannot see."""

    name: str
    curves: tuple[BestSoFar, ...]
    label: str
    unit: float
    over: str


def comparison_charts(info: ComparisonInfo) -> Iterator[Chart]:
    """Yield the charts that the studies have something to show for."""
    if any(row.test is not None for row in info.rows):
        yield results_chart(info)
    if info.drawn_by_trial:
        over = _Course("best-so-far-by-trial", info.drawn_by_trial, TRIALS_LABEL, 1, "trials")
        yield _course_chart(info, over)
    if info.drawn:
        name, seconds = time_unit(info.drawn)
        over = _Course("best-so-far", info.drawn, f"{name} of search", seconds, "time")
        yield _course_chart(info, over)


def _course_chart(info: ComparisonInfo, course: _Course) -> Chart:
    legend = 20 * (len(course.curves) + len(info.levels))  # a line each, on a telephone
    figure = new_chart_figure(
        xaxis={"title": course.label, "rangemode": "tozero"},
        yaxis={
            "title": f"best validation {info.metric} so far",
            "tickformat": metric_format(info.metric),
            "range": _range(info, course.curves),
        },
        legend={"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0},
        margin={"l": 60, "r": 16, "t": 16, "b": 64 + legend},
    )
    for curve, (colour, dash) in zip(
        course.curves, zip(cycle(COLOURS), cycle(_DASHES), strict=False), strict=False
    ):
        line = {"color": colour, "dash": dash, "shape": "hv"}
        if curve.first_fold:
            figure.add_trace(_first_fold(curve, course, info.metric, line | {"width": 1}))
        figure.add_trace(_steps(curve, course, info.metric, line | {"width": 2.5}))
    end = max(curve.total for curve in course.curves) / course.unit
    for level, dash in zip(info.levels, cycle(_LEVEL_DASHES), strict=False):
        figure.add_trace(_level(level, end, info.metric, dash))
    alt = (
        f"Best validation {info.metric} so far of {len(course.curves)} searches over {course.over}"
    )
    return Chart(course.name, alt, figure, 360 + legend, 0)


def _range(info: ComparisonInfo, curves: Sequence[BestSoFar]) -> tuple[float, float]:
    """Return the limits of the y axis, with some room around what they let in."""
    values = [p.value for curve in curves for p in (*curve.points, *curve.first_fold)]
    values += [level.value for level in info.levels]
    low, high = shown_range(info, (min(values), max(values)))
    room = 0.06 * (high - low) or 0.01
    return low - room, high + room


def _steps(
    curve: BestSoFar, course: _Course, metric: Metric, line: dict[str, object]
) -> go.Scatter:
    """Return the steps with a mark at each improvement, level after the last."""
    end = Point(curve.total, curve.points[-1].value, curve.points[-1].trial, curve.points[-1].words)
    points = (*curve.points, end)
    return go.Scatter(
        x=[point.at / course.unit for point in points],
        y=[point.value for point in points],
        mode="lines+markers",
        line=line,
        marker={"size": [8] * len(curve.points) + [0], "color": line["color"]},
        name=escape(curve.study),
        legendgroup=escape(curve.study),
        text=[_story(curve.study, point, metric) for point in points],
        hovertemplate="%{text}<extra></extra>",
    )


def _first_fold(
    curve: BestSoFar, course: _Course, metric: Metric, line: dict[str, object]
) -> go.Scatter:
    """Return what led to the end of a race as a thin line beside its search's."""
    return go.Scatter(
        x=[*(point.at / course.unit for point in curve.first_fold), curve.total / course.unit],
        y=[*(point.value for point in curve.first_fold), curve.first_fold[-1].value],
        mode="lines",
        line=line,
        legendgroup=escape(curve.study),
        showlegend=False,
        text=[_story(f"{curve.study}, first fold", p, metric) for p in curve.first_fold] + [""],
        hovertemplate="%{text}<extra></extra>",
    )


def _story(study: str, point: Point, metric: Metric) -> str:
    head = f"<b>{escape(study)}</b>, trial {point.trial}: {score(point.value, metric)}"
    return "<br>".join((head, wrap(point.words))) if point.words else head


def _level(level: BaselineLevel, end: float, metric: Metric, dash: str) -> go.Scatter:
    return go.Scatter(
        x=[0, end],
        y=[level.value, level.value],
        mode="lines",
        line={"color": GREY, "width": 1.5, "dash": dash},
        name=escape(level.label),
        hovertemplate=f"{escape(level.label)}: {score(level.value, metric)}<extra></extra>",
    )
