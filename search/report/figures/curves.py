"""The figure of the learning curves: info -> matplotlib."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.metric import Metric
from search.plotting import BLUE, GREEN, GREY, ORANGE, integer_axis, metric_axis, new_figure
from search.report.info.curves import Curves, LearningCurvesInfo

_DROP_LABEL = "learning rate drops"


def draw_learning_curves(info: LearningCurvesInfo) -> Figure:
    """Return accuracy over loss by epoch: each training, their mean, refit, E* and drops."""
    figure = new_figure(4.2)
    upper, lower = figure.subplots(2, 1, sharex=True)
    _draw_panel(upper, info, "accuracy")
    _draw_panel(lower, info, "loss")
    integer_axis(lower)
    lower.set_xlabel("epoch")
    lower.set_xlim(left=1 - 0.02 * len(info.mean.loss))
    figure.align_ylabels()
    handles, labels = upper.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure.legend(
        list(once.values()), list(once), loc="outside lower center", ncols=2, columnspacing=1.4
    )
    return figure


def _draw_panel(axes: Axes, info: LearningCurvesInfo, metric: Metric) -> None:
    several = len(info.parts) > 1
    part = "repeat" if info.repeats else "fold"
    if several:
        for curves in info.parts:
            _line(axes, curves, metric, f"validation, each {part}", color=BLUE, alpha=0.45)
            _mark_drops(axes, curves, metric)
    mean = f", mean over {part}s" if several else ""
    _line(axes, info.mean, metric, f"validation{mean}", color=BLUE, linewidth=1.6)
    _line(axes, info.training, metric, f"training{mean}", color=ORANGE)
    if info.refit is not None:
        _line(axes, info.refit, metric, "training of the refit", color=GREEN, linestyle="--")
    for epoch in info.drops:
        axes.axvline(epoch, color=GREY, linewidth=0.8, linestyle=":", label=_DROP_LABEL, zorder=1)
    if info.best_epoch is not None:
        _mark_best(axes, info.best_epoch, _values(info.mean, metric))
    metric_axis(axes, metric)
    axes.set_ylabel(metric)


def _values(curves: Curves, metric: Metric) -> tuple[float, ...]:
    return curves.accuracy if metric == "accuracy" else curves.loss


def _line(axes: Axes, curves: Curves, metric: Metric, label: str, **style: Any) -> None:
    values = _values(curves, metric)
    # A single epoch has no length: it needs a marker to show.
    marker = "o" if len(values) == 1 else ""
    axes.plot(range(1, len(values) + 1), values, label=label, marker=marker, **style)


def _mark_drops(axes: Axes, curves: Curves, metric: Metric) -> None:
    if curves.drops:
        values = [_values(curves, metric)[epoch - 1] for epoch in curves.drops]
        style: dict[str, Any] = {"color": "black", "markersize": 3.5, "zorder": 4}
        axes.plot(curves.drops, values, "v", label=_DROP_LABEL, **style)


def _mark_best(axes: Axes, epoch: int, mean: tuple[float, ...]) -> None:
    style: dict[str, Any] = {"color": "black", "markersize": 8, "zorder": 5}
    label = f"best epoch, E* = {epoch}"
    axes.plot([epoch], [mean[epoch - 1]], "*", label=label, **style)
