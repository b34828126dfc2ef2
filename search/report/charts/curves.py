"""The interactive learning curves: info -> plotly."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import plotly.graph_objects as go

from search.metric import Metric
from search.plotting import BLUE, GREEN, GREY, ORANGE
from search.report.charts.base import Chart, metric_format, new_chart_figure
from search.report.info.curves import Curves, LearningCurvesInfo

_PANELS: tuple[tuple[Metric, str], ...] = (("accuracy", "y"), ("loss", "y2"))
_DROPS = "learning rate drops"


class _Series(NamedTuple):
    """One line in both panels, as the legend and as hovering name it."""

    name: str
    hover_name: str
    curves: Curves
    line: dict[str, Any]
    opacity: float = 1.0


def learning_curves_chart(info: LearningCurvesInfo) -> Chart:
    """Return accuracy over loss by epoch: each training, their mean, refit, E* and drops."""
    figure = new_chart_figure(
        xaxis={"anchor": "y2", "title": "epoch", "tick0": 0, "dtick": _epoch_step(info)},
        yaxis={"domain": [0.54, 1], "title": "accuracy", "tickformat": metric_format("accuracy")},
        yaxis2={"domain": [0, 0.46], "title": "loss", "tickformat": metric_format("loss")},
        margin={"l": 60, "r": 16, "t": 72, "b": 48},
        shapes=[_vertical(epoch, "dot") for epoch in info.drops],
    )
    for metric, axis in _PANELS:
        for series in _series(info):
            figure.add_trace(_line(series, axis, metric))
            if series.curves.drops:
                figure.add_trace(_drop_marks(series.curves, axis, metric))
    if info.drops:
        figure.add_trace(_legend_of_drops())
    if info.best_epoch is not None:
        figure.add_shape(_vertical(info.best_epoch, "dash"))
        figure.add_annotation(_best_epoch_mark(info.best_epoch, len(info.mean.loss)))
    _name_once(figure)
    return Chart("learning-curve", _alt(info), figure, 620, 0)


def _epoch_step(info: LearningCurvesInfo) -> int:
    """Return whole epochs between ticks, about eight of them."""
    return max(1, round(len(info.mean.accuracy) / 8))


def _alt(info: LearningCurvesInfo) -> str:
    whose = f"of {len(info.parts)} repeats" if info.repeats else f"of trial {info.trial}"
    refit = ", and of the refit" if info.refit is not None else ""
    best = f"; the best epoch is {info.best_epoch}" if info.best_epoch is not None else ""
    return f"Accuracy and loss {whose} by epoch, in validation and training{refit}{best}"


def _series(info: LearningCurvesInfo) -> Iterator[_Series]:
    several = len(info.parts) > 1
    mean = ", mean" if several else ""
    part = "repeat" if info.repeats else "fold"
    if several:
        for number, one in enumerate(info.parts, start=1):
            yield _Series(
                f"validation, each {part}",
                f"validation, {part} {number}",
                one,
                {"color": BLUE, "width": 1},
                opacity=0.75,
            )
    yield _one(f"validation{mean}", info.mean, {"color": BLUE, "width": 2.5})
    yield _one(f"training{mean}", info.training, {"color": ORANGE, "width": 1.5})
    if info.refit is not None:
        dashed = {"color": GREEN, "width": 1.5, "dash": "dash"}
        yield _one("training of the refit", info.refit, dashed)


def _one(name: str, curves: Curves, line: dict[str, Any]) -> _Series:
    return _Series(name, name, curves, line)


def _values(curves: Curves, metric: Metric) -> tuple[float, ...]:
    return curves.accuracy if metric == "accuracy" else curves.loss


def _line(series: _Series, axis: str, metric: Metric) -> go.Scatter:
    values = _values(series.curves, metric)
    shown = f"{metric} %{{y:.2%}}" if metric == "accuracy" else f"{metric} %{{y:.4f}}"
    return go.Scatter(
        x=list(range(1, len(values) + 1)),
        y=values,
        yaxis=axis,
        mode="lines" if len(values) > 1 else "markers",
        line=series.line,
        marker={"color": series.line["color"]},
        opacity=series.opacity,
        name=series.name,
        legendgroup=series.name,
        hovertemplate=f"{series.hover_name}<br>epoch %{{x}}, {shown}<extra></extra>",
    )


def _drop_marks(curves: Curves, axis: str, metric: Metric) -> go.Scatter:
    return go.Scatter(
        x=curves.drops,
        y=[_values(curves, metric)[epoch - 1] for epoch in curves.drops],
        yaxis=axis,
        mode="markers",
        marker={"color": BLUE, "symbol": "triangle-down", "size": 9},
        name=_DROPS,
        legendgroup=_DROPS,
        hovertemplate=f"{_DROPS} after epoch %{{x}}<extra></extra>",
    )


def _legend_of_drops() -> go.Scatter:
    """Return an empty trace that names the vertical lines, which are shapes, in the legend."""
    line = {"color": GREY, "width": 1, "dash": "dot"}
    return go.Scatter(x=[None], y=[None], mode="lines", line=line, name=_DROPS)


def _name_once(figure: go.Figure) -> None:
    """Let each name stand in the legend once."""
    named: set[str] = set()
    for trace in figure.data:
        trace.showlegend = trace.name not in named
        named.add(trace.name)


def _vertical(epoch: int, dash: str) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": epoch,
        "x1": epoch,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": GREY, "width": 1, "dash": dash},
    }


def _best_epoch_mark(epoch: int, n_epochs: int) -> dict[str, Any]:
    """Return the text "E* = 12" between the panels, on the side of its line that has room."""
    return {
        "x": epoch,
        "xanchor": "right" if epoch > n_epochs / 2 else "left",
        "y": 0.5,
        "yref": "paper",
        "yanchor": "middle",
        "showarrow": False,
        "text": f"E* = {epoch}",
    }
