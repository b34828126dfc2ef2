"""The dashboard's pictures of one trial: info -> matplotlib.

They are drawn by the hundred beside a search, so they are cheap: no layout engine, few texts.
"""

import io
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from search.plotting import BLUE, ORANGE, integer_axis, metric_axis, short
from search.report.info.trial import TrialConfusionInfo, TrialCurveInfo

_DPI = 90
_MOST_NAMED = 25  # classes
_MOST_COUNTED = 12
_LEAST_COUNTED = 0.05  # of the true class; what is rarer has its colour alone


def draw_trial_curve(info: TrialCurveInfo) -> Figure:
    """Return the mean curves of validation and training over those of the folds, with E*."""
    figure = Figure(figsize=(4.6, 3.0))
    axes = figure.add_axes((0.14, 0.15, 0.83, 0.74))
    epochs = range(1, len(info.mean) + 1)
    marker = "o" if len(info.mean) == 1 else ""  # which has no length
    if len(info.folds) > 1:
        axes.plot(epochs, np.transpose(info.folds), color=BLUE, alpha=0.35, linewidth=0.8)
    axes.plot(epochs, info.training, color=ORANGE, marker=marker, label="training")
    axes.plot(epochs, info.mean, color=BLUE, linewidth=1.6, marker=marker, label="validation")
    if info.best_epoch is not None:
        best = info.mean[info.best_epoch - 1]
        axes.plot([info.best_epoch], [best], "*", color="black", markersize=9, label="best epoch")
    integer_axis(axes)
    metric_axis(axes, info.metric)
    axes.set_xlabel("epoch")
    axes.set_ylabel(info.metric)
    axes.legend(loc="lower right" if info.metric == "accuracy" else "upper right")
    axes.set_title(info.title)
    return figure


def draw_trial_confusion(info: TrialConfusionInfo) -> Figure:
    """Return the matrix with shares of the true class as colour, and the counts that fit."""
    n = len(info.class_names)
    figure = Figure(figsize=(4.2, 4.2))
    axes = figure.add_axes((0.2, 0.17, 0.77, 0.77))
    axes.imshow(np.array(info.shares), cmap="Blues", vmin=0, vmax=1)
    names = [short(name, 12) for name in info.class_names] if n <= _MOST_NAMED else []
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(info.title)
    for i, j in np.argwhere(np.array(info.shares) >= _LEAST_COUNTED) if n <= _MOST_COUNTED else ():
        colour = "white" if info.shares[i][j] > 0.5 else "black"
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6, "color": colour}
        axes.text(j, i, f"{info.counts[i][j]:,}", **style)
    return figure


def png_bytes(figure: Figure) -> bytes:
    """Return the figure as a small PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
