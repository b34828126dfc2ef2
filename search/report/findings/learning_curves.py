"""How did the winner learn?"""

import statistics
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple, Self, final

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.metric import Metric
from search.plotting import BLUE, GREEN, GREY, ORANGE, integer_axis, metric_axis, new_figure
from search.report.evidence import Evidence
from search.report.findings.base import CERTAIN, Finding
from search.report.findings.blocks import Block, Plot
from search.report.parts import Number, ReportPart, Unlisted
from search.report.plots.page import Chart, metric_format, new_chart_figure
from search.report.trials import figure_name, figure_names
from search.training.history import History
from search.tuning.records import TrialRecord

_NAME = "learning-curve"
_PANELS: tuple[tuple[Metric, str], ...] = (("accuracy", "y"), ("loss", "y2"))
_DROPS = "learning rate drops"


@final
class Curves(ReportPart):
    """Values after each epoch, the first epoch's first."""

    accuracy: tuple[Number, ...]
    """Accuracies, fractions."""
    loss: tuple[Number, ...]
    """Losses, in nats."""
    drops: tuple[int, ...] = ()
    """Epochs (from 1) after which a plateau schedule lowered the rate."""

    def values(self, metric: Metric) -> tuple[float | None, ...]:
        """The accuracies or the losses."""
        return self.accuracy if metric == "accuracy" else self.loss


class _Series(NamedTuple):
    """One line in both panels, as the legend and as hovering name it."""

    name: str
    hover_name: str
    curves: Curves
    line: dict[str, Any]
    opacity: float = 1.0


@final
class LearningCurves(Finding):
    """The winner's curves over its folds, or those of all trainings of a reproduced baseline."""

    key = "curves"
    section = CERTAIN
    title = "Learning curves"
    figures = figure_names(_NAME)

    trial: int
    """The winner's number."""
    repeats: bool
    """Whether the parts are the trainings of a baseline rather than the winner's folds."""
    parts: tuple[Curves, ...]
    """Validation, one for each fold or training."""
    mean: Curves
    """Validation, the mean over the parts."""
    training: Curves
    """Training, the mean over the parts."""
    refit: Curves | None
    """Training of the refit."""
    best_epoch: int | None
    """E*; null where the last epoch counts."""
    drops: tuple[int, ...]
    """Epochs (from 1) after which the median rate fell; with repeats, each part has its own."""
    name: Unlisted[str]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the curves; None where nothing has won or no epoch is stored."""
        record = evidence.record
        winner = record.winner()
        if winner is None or winner.best_epoch is None or not winner.history.epochs:
            return None
        protocol = record.recipe.protocol
        history = winner.history if protocol.refits else _joined(record.complete())
        repeats = not protocol.refits and history.n_folds() > 1
        steps = _has_plateaus(winner)
        return cls(
            trial=winner.number,
            repeats=repeats,
            parts=tuple(
                _part(history, i, marked=repeats and steps) for i in range(history.n_folds())
            ),
            mean=Curves(
                accuracy=tuple(history.mean_curve("accuracy")),
                loss=tuple(history.mean_curve("loss")),
            ),
            training=_training_curves(history),
            refit=None if record.refit is None else _training_curves(record.refit.history),
            best_epoch=None if protocol.scores_last_epoch else winner.best_epoch,
            drops=_drops(history.learning_rates()) if steps and not repeats else (),
            name=figure_name(record, _NAME),
        )

    def blocks(self) -> Iterator[Block]:
        """Yield the curves."""
        whose = f"of {len(self.parts)} repeats" if self.repeats else f"of trial {self.trial}"
        refit = ", and of the refit" if self.refit is not None else ""
        best = f"; the best epoch is {self.best_epoch}" if self.best_epoch is not None else ""
        alt = f"Accuracy and loss {whose} by epoch, in validation and training{refit}{best}"
        yield Plot(self.name, alt, self.draw, self.chart)

    @property
    def _part_noun(self) -> str:
        return "repeat" if self.repeats else "fold"

    def draw(self) -> Figure:
        """Draw accuracy over loss by epoch: each training, their mean, refit, E* and drops."""
        figure = new_figure(4.2)
        upper, lower = figure.subplots(2, 1, sharex=True)
        self._draw_panel(upper, "accuracy")
        self._draw_panel(lower, "loss")
        integer_axis(lower)
        lower.set_xlabel("epoch")
        lower.set_xlim(left=1 - 0.02 * len(self.mean.loss))
        figure.align_ylabels()
        handles, labels = upper.get_legend_handles_labels()
        once = dict(zip(labels, handles, strict=True))
        figure.legend(
            list(once.values()), list(once), loc="outside lower center", ncols=2, columnspacing=1.4
        )
        return figure

    def _draw_panel(self, axes: Axes, metric: Metric) -> None:
        several, part = len(self.parts) > 1, self._part_noun
        if several:
            for curves in self.parts:
                _draw_line(axes, curves, metric, f"validation, each {part}", color=BLUE, alpha=0.45)
                _draw_drops(axes, curves, metric)
        mean = f", mean over {part}s" if several else ""
        _draw_line(axes, self.mean, metric, f"validation{mean}", color=BLUE, linewidth=1.6)
        _draw_line(axes, self.training, metric, f"training{mean}", color=ORANGE)
        if self.refit is not None:
            _draw_line(
                axes, self.refit, metric, "training of the refit", color=GREEN, linestyle="--"
            )
        for epoch in self.drops:
            axes.axvline(epoch, color=GREY, linewidth=0.8, linestyle=":", label=_DROPS, zorder=1)
        if self.best_epoch is not None:
            best: Any = self.mean.values(metric)[self.best_epoch - 1]
            style: dict[str, Any] = {"color": "black", "markersize": 8, "zorder": 5}
            label = f"best epoch, E* = {self.best_epoch}"
            axes.plot([self.best_epoch], [best], "*", label=label, **style)
        metric_axis(axes, metric)
        axes.set_ylabel(metric)

    def chart(self) -> Chart:
        """Accuracy over loss by epoch: each training, their mean, refit, E* and drops."""
        step = max(1, round(len(self.mean.accuracy) / 8))  # epochs between about eight ticks
        figure = new_chart_figure(
            xaxis={"anchor": "y2", "title": "epoch", "tick0": 0, "dtick": step},
            yaxis={
                "domain": [0.54, 1],
                "title": "accuracy",
                "tickformat": metric_format("accuracy"),
            },
            yaxis2={"domain": [0, 0.46], "title": "loss", "tickformat": metric_format("loss")},
            margin={"l": 60, "r": 16, "t": 72, "b": 48},
            shapes=[_vertical(epoch, "dot") for epoch in self.drops],
        )
        for metric, axis in _PANELS:
            for series in self._series():
                figure.add_trace(_line(series, axis, metric))
                if series.curves.drops:
                    figure.add_trace(_drop_marks(series.curves, axis, metric))
        if self.drops:
            figure.add_trace(_legend_of_drops())
        if self.best_epoch is not None:
            figure.add_shape(_vertical(self.best_epoch, "dash"))
            figure.add_annotation(_best_epoch_mark(self.best_epoch, len(self.mean.loss)))
        _name_once(figure)
        return Chart(figure, 620)

    def _series(self) -> Iterator[_Series]:
        several, part = len(self.parts) > 1, self._part_noun
        mean = ", mean" if several else ""
        if several:
            for number, one in enumerate(self.parts, start=1):
                yield _Series(
                    f"validation, each {part}",
                    f"validation, {part} {number}",
                    one,
                    {"color": BLUE, "width": 1},
                    opacity=0.75,
                )
        yield _one(f"validation{mean}", self.mean, {"color": BLUE, "width": 2.5})
        yield _one(f"training{mean}", self.training, {"color": ORANGE, "width": 1.5})
        if self.refit is not None:
            dashed = {"color": GREEN, "width": 1.5, "dash": "dash"}
            yield _one("training of the refit", self.refit, dashed)


def _joined(trials: Sequence[TrialRecord]) -> History:
    """Equally long trainings of one fold each as one history, as if they were folds."""
    epochs = zip(*(trial.history.epochs for trial in trials), strict=True)
    return History(tuple(tuple(chain.from_iterable(epoch)) for epoch in epochs))


def _part(history: History, fold: int, *, marked: bool) -> Curves:
    rates = [folds[fold].learning_rate for folds in history.epochs]
    return Curves(
        accuracy=tuple(history.fold_curves("accuracy")[fold]),
        loss=tuple(history.fold_curves("loss")[fold]),
        drops=_drops(rates) if marked else (),
    )


def _training_curves(history: History) -> Curves:
    return Curves(
        accuracy=tuple(
            statistics.fmean(f.train_accuracy for f in folds) for folds in history.epochs
        ),
        loss=tuple(statistics.fmean(f.train_loss for f in folds) for folds in history.epochs),
    )


def _has_plateaus(trial: TrialRecord) -> bool:
    # A cosine falls at every step, so only a plateau's drops are worth a mark.
    return trial.candidate is not None and trial.candidate.schedule.name == "plateau"


def _drops(rates: Sequence[float]) -> tuple[int, ...]:
    return tuple(epoch for epoch, (old, new) in enumerate(pairwise(rates), start=1) if new < old)


def _draw_line(axes: Axes, curves: Curves, metric: Metric, label: str, **style: Any) -> None:
    values: Any = curves.values(metric)
    # A single epoch has no length: it needs a marker to show.
    marker = "o" if len(values) == 1 else ""
    axes.plot(range(1, len(values) + 1), values, label=label, marker=marker, **style)


def _draw_drops(axes: Axes, curves: Curves, metric: Metric) -> None:
    if curves.drops:
        values: Any = [curves.values(metric)[epoch - 1] for epoch in curves.drops]
        style: dict[str, Any] = {"color": "black", "markersize": 3.5, "zorder": 4}
        axes.plot(curves.drops, values, "v", label=_DROPS, **style)


def _one(name: str, curves: Curves, line: dict[str, Any]) -> _Series:
    return _Series(name, name, curves, line)


def _line(series: _Series, axis: str, metric: Metric) -> go.Scatter:
    values = series.curves.values(metric)
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
        y=[curves.values(metric)[epoch - 1] for epoch in curves.drops],
        yaxis=axis,
        mode="markers",
        marker={"color": BLUE, "symbol": "triangle-down", "size": 9},
        name=_DROPS,
        legendgroup=_DROPS,
        hovertemplate=f"{_DROPS} after epoch %{{x}}<extra></extra>",
    )


def _legend_of_drops() -> go.Scatter:
    """An empty trace that names the vertical lines, which are shapes, in the legend."""
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
    """The text "E* = 12" between the panels, on the side of its line that has room."""
    return {
        "x": epoch,
        "xanchor": "right" if epoch > n_epochs / 2 else "left",
        "y": 0.5,
        "yref": "paper",
        "yanchor": "middle",
        "showarrow": False,
        "text": f"E* = {epoch}",
    }
