"""Interactive charts of the winner and its test: info -> plotly."""

from typing import Any

import plotly.graph_objects as go

from search.report.charts_base import Chart, escape, metric_format, new_chart_figure
from search.report.info_confusion import ConfusionInfo
from search.report.info_curves import Curves, LearningCurvesInfo
from search.report.palette import BLUE, GREEN, GREY, ORANGE
from search.training.history import Metric

MOST_WITH_PERCENTAGES = 12
MOST_WITH_COUNTS = 25


def _epoch_step(info: LearningCurvesInfo) -> int:
    """Return whole epochs between ticks, about eight of them."""
    return max(1, round(len(info.mean.accuracy) / 8))


def learning_curves_chart(info: LearningCurvesInfo) -> Chart:
    """Return accuracy over loss by epoch: each fold, their mean, training, refit, E*, drops."""
    figure = new_chart_figure(
        xaxis={"anchor": "y2", "title": "epoch", "tick0": 0, "dtick": _epoch_step(info)},
        yaxis={"domain": [0.54, 1], "title": "accuracy", "tickformat": metric_format("accuracy")},
        yaxis2={"domain": [0, 0.46], "title": "loss", "tickformat": metric_format("loss")},
        margin={"l": 60, "r": 16, "t": 72, "b": 48},
        shapes=[_vertical(epoch, "dot") for epoch in info.drops]
        + [_vertical(info.best_epoch, "dash")],
        annotations=[_best_epoch_mark(info)],
    )
    axes: tuple[tuple[Metric, str], ...] = (("accuracy", "y"), ("loss", "y2"))
    for metric, axis in axes:
        for name, curves, line in _series(info):
            values = curves.accuracy if metric == "accuracy" else curves.loss
            figure.add_trace(_line(name, values, line, axis, metric))
    _name_once(figure)
    alt = (
        f"Accuracy and loss of the winner, trial {info.trial}, by epoch: validation of each fold, "
        f"their mean, training, and the refit; the best epoch is {info.best_epoch}"
    )
    return Chart("learning-curves", alt, figure, 620, 0)


def _name_once(figure: go.Figure) -> None:
    """Let each name stand in the legend once."""
    named: set[str] = set()
    for trace in figure.data:
        trace.showlegend = trace.name not in named
        named.add(trace.name)


def _series(info: LearningCurvesInfo) -> list[tuple[str, Curves, dict[str, Any]]]:
    several = len(info.folds) > 1
    suffix = ", mean" if several else ""
    series: list[tuple[str, Curves, dict[str, Any]]] = []
    if several:
        thin = {"color": "rgba(0,114,178,0.4)", "width": 1}
        series += [("validation, each fold", fold, thin) for fold in info.folds]
    series.append((f"validation{suffix}", info.mean, {"color": BLUE, "width": 3}))
    series.append((f"training{suffix}", info.training, {"color": ORANGE, "width": 1.5}))
    if info.refit is not None:
        dashed = {"color": GREEN, "width": 1.5, "dash": "dash"}
        series.append(("refit, training", info.refit, dashed))
    return series


def _line(
    name: str, values: tuple[float, ...], line: dict[str, Any], axis: str, metric: Metric
) -> go.Scatter:
    shown = ".2%" if metric == "accuracy" else ".4f"
    return go.Scatter(
        x=list(range(1, len(values) + 1)),
        y=values,
        yaxis=axis,
        mode="lines" if len(values) > 1 else "markers",
        line=line,
        marker={"color": line["color"]},
        name=name,
        legendgroup=name,
        hovertemplate=f"epoch %{{x}}: %{{y:{shown}}}<extra>{name}</extra>",
    )


def _vertical(epoch: int, dash: str) -> dict[str, Any]:
    line = {"color": GREY, "width": 1, "dash": dash}
    return {"type": "line", "x0": epoch, "x1": epoch, "yref": "paper", "y0": 0, "y1": 1} | {
        "line": line
    }


def _best_epoch_mark(info: LearningCurvesInfo) -> dict[str, Any]:
    """Return the text "E* = 12" between the panels, on the side of its line that has room."""
    late = info.best_epoch > len(info.mean.loss) / 2
    return {
        "x": info.best_epoch,
        "xanchor": "right" if late else "left",
        "y": 0.5,
        "yref": "paper",
        "yanchor": "middle",
        "showarrow": False,
        "text": f"E* = {info.best_epoch}",
    }


def confusion_chart(info: ConfusionInfo) -> Chart:
    """Return the confusion matrix, coloured by row percentage; hovering gives both figures."""
    n = len(info.class_names)
    names = [escape(name) for name in info.class_names]
    figure = new_chart_figure(
        xaxis={"title": "predicted class", "tickvals": list(range(n)), "ticktext": names},
        yaxis={"title": "true class", "tickvals": list(range(n)), "ticktext": names},
        margin={"l": 16, "r": 16, "t": 16, "b": 16},
    )
    figure.update_xaxes(automargin=True, fixedrange=True, showgrid=False, zeroline=False)
    figure.update_yaxes(
        automargin=True, fixedrange=True, showgrid=False, zeroline=False, autorange="reversed"
    )
    figure.add_heatmap(
        z=info.row_percentages,
        zmin=0,
        zmax=100,
        # from nothing to blue, so that it reads on a light and on a dark page
        colorscale=[[0, "rgba(0,114,178,0)"], [1, "rgba(0,114,178,0.75)"]],
        showscale=False,
        xgap=1,
        ygap=1,
        text=_cell_texts(info),
        texttemplate="%{text}" if n <= MOST_WITH_COUNTS else None,
        customdata=_cell_stories(info),
        hovertemplate="%{customdata}<extra></extra>",
    )
    alt = f"Confusion matrix of {n} classes on the test images"
    cell = 44 if n <= MOST_WITH_PERCENTAGES else 30 if n <= MOST_WITH_COUNTS else 22
    return Chart("confusion-matrix", alt, figure, 140 + cell * n, 160 + cell * n)


def _cell_texts(info: ConfusionInfo) -> list[list[str]]:
    with_percentages = len(info.class_names) <= MOST_WITH_PERCENTAGES
    return [
        [
            f"{count:,}<br>{share:.1f}%" if with_percentages else f"{count:,}"
            for count, share in zip(counts, shares, strict=True)
        ]
        for counts, shares in zip(info.counts, info.row_percentages, strict=True)
    ]


def _cell_stories(info: ConfusionInfo) -> list[list[str]]:
    names = [escape(name) for name in info.class_names]
    return [
        [
            f"{names[i]} called {names[j]}: {count:,} ({info.row_percentages[i][j]:.1f}%)"
            for j, count in enumerate(row)
        ]
        for i, row in enumerate(info.counts)
    ]
