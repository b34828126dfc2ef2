"""The dashboard's pictures of one trial: its learning curve and its confusion matrix.

Hundreds are drawn during a search, so they are cheap: no layout engine, few texts.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self, final

import numpy as np
from matplotlib.figure import Figure

from search import text
from search.metric import ACCURACY, LOSS, Metric
from search.plotting import BLUE, ORANGE, integer_axis, metric_axis, short
from search.report.scoring import trial_score
from search.training.history import Confusion, FoldEpoch, History
from search.tuning.records import TrialRecord

_DPI = 90
_MOST_NAMED = 25  # classes
_MOST_COUNTED = 12
_LEAST_COUNTED = 0.05  # share of the true class; rarer confusions are shown by colour only


@final
@dataclass(frozen=True)
class TrialCurve:
    """The validation score by epoch, for each fold and their mean; `training` is a mean too,
    and empty for a metric that training does not measure.

    `best_epoch` (E*) is None for a trial that did not complete.
    """

    title: str
    metric: Metric
    folds: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...]
    training: tuple[float, ...]
    best_epoch: int | None

    @classmethod
    def of(cls, trial: TrialRecord, metric: Metric) -> Self | None:
        """Take the trial's curves; None if no epoch is stored."""
        if not trial.history.epochs:
            return None
        return cls(
            title=_title(trial, metric),
            metric=metric,
            folds=tuple(tuple(curve) for curve in trial.history.fold_curves(metric)),
            mean=tuple(trial.history.mean_curve(metric)),
            training=_trained(trial.history, metric),
            best_epoch=trial.best_epoch,
        )

    def draw(self) -> Figure:
        """Draw the mean curves of validation and training over those of the folds, with E*."""
        figure = Figure(figsize=(4.6, 3.0))
        axes = figure.add_axes((0.14, 0.15, 0.83, 0.74))
        epochs = range(1, len(self.mean) + 1)
        marker = "o" if len(self.mean) == 1 else ""  # a line of one epoch has no length
        if len(self.folds) > 1:
            axes.plot(epochs, np.transpose(self.folds), color=BLUE, alpha=0.35, linewidth=0.8)
        if self.training:
            axes.plot(epochs, self.training, color=ORANGE, marker=marker, label="training")
        axes.plot(epochs, self.mean, color=BLUE, linewidth=1.6, marker=marker, label="validation")
        if self.best_epoch is not None:
            best = self.mean[self.best_epoch - 1]
            axes.plot([self.best_epoch], [best], "k*", markersize=9, label="best epoch")
        integer_axis(axes)
        metric_axis(axes, self.metric)
        axes.set_xlabel("epoch")
        axes.set_ylabel(str(self.metric))
        axes.legend(loc="lower right" if self.metric.higher_is_better else "upper right")
        axes.set_title(self.title)
        return figure


@final
@dataclass(frozen=True)
class TrialConfusion:
    """`counts[i][j]` validation images of class i were predicted as j; `shares` are by row."""

    title: str
    class_names: tuple[str, ...]
    counts: Confusion
    shares: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, trial: TrialRecord, metric: Metric, class_names: Sequence[str]) -> Self | None:
        """Take the trial's confusion matrix; None if none is stored."""
        if trial.confusion is None:
            return None
        return cls(
            title=_title(trial, metric),
            class_names=tuple(class_names),
            counts=trial.confusion,
            shares=tuple(tuple(n / max(sum(row), 1) for n in row) for row in trial.confusion),
        )

    def draw(self) -> Figure:
        """Draw the matrix with shares of the true class as colour, and the counts that fit."""
        n = len(self.class_names)
        figure = Figure(figsize=(4.2, 4.2))
        axes = figure.add_axes((0.2, 0.17, 0.77, 0.77))
        shares = np.array(self.shares)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        names = [short(name, 12) for name in self.class_names] if n <= _MOST_NAMED else []
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.set_title(self.title)
        for i, j in np.argwhere(shares >= _LEAST_COUNTED) if n <= _MOST_COUNTED else ():
            colour = "white" if self.shares[i][j] > 0.5 else "black"
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6, "color": colour}
            axes.text(j, i, f"{self.counts[i][j]:,}", **style)
        return figure


def png_bytes(figure: Figure) -> bytes:
    """The figure as a small PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def _trained(history: History, metric: Metric) -> tuple[float, ...]:
    """Return the metric of the training images by epoch; nothing where it was not measured."""
    value = _TRAINED.get(metric)
    if value is None:
        return ()
    return tuple(fmean(map(value, folds)) for folds in history.epochs)


_TRAINED: Mapping[Metric, Callable[[FoldEpoch], float]] = {
    ACCURACY: lambda fold: fold.train_accuracy,
    LOSS: FoldEpoch.plain_train_loss,
}


def _title(trial: TrialRecord, metric: Metric) -> str:
    score = text.score(trial_score(trial), metric)
    epoch = trial.best_epoch or len(trial.history.epochs)
    return f"trial {trial.number}, {trial.kind}: {score} at epoch {epoch}"
