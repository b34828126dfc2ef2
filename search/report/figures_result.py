"""Figures of the winner and its test: info -> matplotlib."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from search.report.figures_base import integer_axis, metric_axis, new_figure, short
from search.report.info_confusion import ConfusionInfo
from search.report.info_curves import LearningCurvesInfo
from search.report.info_mistakes import MistakesInfo
from search.report.palette import BLUE, GREEN, GREY, ORANGE
from search.training.history import Metric

MOST_WITH_PERCENTAGES = 12
MOST_WITH_COUNTS = 25


def draw_learning_curves(info: LearningCurvesInfo) -> Figure:
    """Return accuracy over loss by epoch: each fold, their mean, training, refit, E*, drops."""
    figure = new_figure(4.4)
    upper, lower = figure.subplots(2, 1, sharex=True)
    _draw_curves(upper, info, "accuracy")
    _draw_curves(lower, info, "loss")
    integer_axis(lower)
    lower.set_xlabel("epoch")
    lower.set_xlim(left=1 - 0.02 * len(info.mean.loss))
    handles: dict[str, Line2D] = {
        str(line.get_label()): line
        for line in upper.get_lines()
        if not str(line.get_label()).startswith("_")
    }
    figure.legend(
        handles=list(handles.values()), loc="outside lower center", ncols=2, columnspacing=1.4
    )
    return figure


def _draw_curves(axes: Axes, info: LearningCurvesInfo, metric: Metric) -> None:
    if len(info.folds) > 1:
        for fold in info.folds:
            _line(axes, getattr(fold, metric), "validation, each fold", color=BLUE, alpha=0.3)
    several = ", mean over folds" if len(info.folds) > 1 else ""
    mean: tuple[float, ...] = getattr(info.mean, metric)
    _line(axes, mean, f"validation{several}", color=BLUE, linewidth=1.8)
    _line(axes, getattr(info.training, metric), f"training{several}", color=ORANGE)
    if info.refit is not None:
        _line(axes, getattr(info.refit, metric), "refit, training", color=GREEN, linestyle="--")
    for drop in info.drops:
        label = "learning rate drops" if drop == info.drops[0] else None
        axes.axvline(drop, color=GREY, linewidth=0.7, linestyle=":", label=label)
    star: dict[str, Any] = {
        "marker": "*",
        "linestyle": "none",
        "color": "black",
        "markersize": 8,
        "zorder": 5,
    }
    best = info.best_epoch
    axes.plot([best], [mean[best - 1]], label=f"E* = {best}", **star)
    metric_axis(axes, metric)
    axes.set_ylabel(metric)


def _line(
    axes: Axes,
    values: tuple[float, ...],
    label: str,
    *,
    color: str,
    alpha: float = 1.0,
    linewidth: float = 1.1,
    linestyle: str = "-",
) -> None:
    # A single epoch has no length: it needs a marker to show.
    marker = "o" if len(values) == 1 else ""
    axes.plot(
        range(1, len(values) + 1),
        values,
        label=label,
        color=color,
        alpha=alpha,
        linewidth=linewidth,
        linestyle=linestyle,
        marker=marker,
    )


def draw_confusion_matrix(info: ConfusionInfo) -> Figure:
    """Return the matrix with row percentages as colour, and as text with counts where it fits."""
    n = len(info.class_names)
    side = min(6.6, 1.4 + 0.36 * n)
    figure = new_figure(side, width=side + 0.5)
    axes = figure.add_subplot()
    light_to_blue = LinearSegmentedColormap.from_list("blues", ["#ffffff", BLUE])
    image = axes.imshow(np.array(info.row_percentages), cmap=light_to_blue, vmin=0, vmax=100)
    names = [short(name) for name in info.class_names]
    size = 7 if n <= MOST_WITH_PERCENTAGES else 5.5
    axes.set_xticks(range(n), names, rotation=90 if n > 3 else 0, fontsize=size)
    axes.set_yticks(range(n), names, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if n <= MOST_WITH_COUNTS:
        _write_cells(axes, info)
    bar = figure.colorbar(image, ax=axes, label="% of the true class", shrink=0.75, pad=0.02)
    bar.outline.set_visible(False)
    return figure


def _write_cells(axes: Axes, info: ConfusionInfo) -> None:
    with_percentages = len(info.class_names) <= MOST_WITH_PERCENTAGES
    for i, row in enumerate(info.counts):
        for j, count in enumerate(row):
            share = info.row_percentages[i][j]
            colour = "white" if share > 60 else "#222222" if count else "#999999"
            text = f"{count:,}\n{share:.1f}%" if with_percentages else f"{count:,}"
            size = 5.5 if with_percentages else 4.5
            axes.text(j, i, text, ha="center", va="center", fontsize=size, color=colour)


def draw_mistakes(info: MistakesInfo) -> Figure:
    """Return the mistaken images, six a row, each with its class, the model's and how sure."""
    n, columns = len(info.images), 6
    rows = -(-n // columns)
    figure = new_figure(1.5 * rows, width=7.1)
    for i in range(n):
        axes = figure.add_subplot(rows, columns, i + 1)
        axes.imshow(info.images[i].transpose(1, 2, 0), interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        called = f"called {short(info.predicted_names[i], 14)}, {info.probabilities[i]:.0%}"
        axes.set_title(f"{short(info.true_names[i])}\n{called}", fontsize=6.5)
    return figure
