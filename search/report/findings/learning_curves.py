"""How did the winner learn?"""

import statistics
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, Self, final

from matplotlib.figure import Figure

from cifar_models.family import write_list
from search.metric import ACCURACY, LOSS, Metric
from search.plotting import BLUE, GREEN, ORANGE, VERMILLION, integer_axis, metric_axis, new_figure
from search.report.blocks import Block, Chart, Details, Paragraph, Plot
from search.report.charts import (
    Marker,
    Series,
    legend_once,
    metric_format,
    name_once,
    new_chart_figure,
    whole_ticks,
)
from search.report.evidence import Evidence
from search.report.finding import (
    LEARNED,
    Finding,
    Number,
    ReportPart,
    Unlisted,
    figure_name,
    figure_names,
)
from search.training.history import History
from search.tuning.records import StudyRecord, TrialRecord
from spaces.augmentation import find_augmentation
from spaces.candidate import Candidate, loss_settings

_NAME = "learning-curve"
_METRICS: tuple[Metric, Metric] = (ACCURACY, LOSS)


@final
class Curves(ReportPart):
    """Values after each epoch, the first epoch's first."""

    accuracy: tuple[Number, ...]
    """Accuracies, fractions."""
    loss: tuple[Number, ...]
    """Losses, in nats."""
    cross_entropy: tuple[Number, ...] = ()
    """Losses in training as in validation, in nats: without label smoothing, class weights and the
    factor of focal loss. Empty if `loss` has none of these, or if they were not recorded."""
    drops: tuple[int, ...] = ()
    """Epochs (from 1) after which a plateau schedule lowered the rate."""

    def values(self, metric: Metric) -> tuple[float | None, ...]:
        """The accuracies, or the losses as plain cross entropy where they are known."""
        return {ACCURACY.name: self.accuracy, LOSS.name: self.cross_entropy or self.loss}[
            metric.name
        ]


@final
class LearningCurves(Finding):
    """The winner's curves over its folds, or those of all trainings of a reproduced baseline."""

    key = "curves"
    section = LEARNED
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
    """E*; null if the last epoch counts."""
    drops: tuple[int, ...]
    """Epochs (from 1) after which the median rate fell; with repeats, each part has its own."""
    candidate: Unlisted[Candidate | None]
    name: Unlisted[str]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the curves; None if nothing has won or no epoch is stored."""
        record = evidence.record
        winner = record.winner()
        if winner is None or winner.best_epoch is None or not winner.history.epochs:
            return None
        protocol = record.recipe.protocol
        history = winner.history if protocol.refits else _joined(record.complete())
        refit = None if record.refit is None else _training_curves(record.refit.history)
        return cls._of(record, winner, history, refit)

    @classmethod
    def of_trial(cls, record: StudyRecord, trial: TrialRecord) -> Self:
        """Take those of any trial with an epoch, over its folds, without the refit's."""
        return cls._of(record, trial, trial.history, None)

    @classmethod
    def _of(
        cls, record: StudyRecord, trial: TrialRecord, history: History, refit: Curves | None
    ) -> Self:
        protocol, steps = record.recipe.protocol, _has_plateaus(trial)
        repeats = not protocol.refits and history.n_folds() > 1
        return cls(
            trial=trial.number,
            repeats=repeats,
            parts=tuple(
                _part(history, i, marked=repeats and steps) for i in range(history.n_folds())
            ),
            mean=Curves(
                accuracy=tuple(history.mean_curve(ACCURACY)),
                loss=tuple(history.mean_curve(LOSS)),
            ),
            training=_training_curves(history),
            refit=refit,
            best_epoch=None if protocol.scores_last_epoch else trial.best_epoch,
            drops=_drops(history.learning_rates()) if steps and not repeats else (),
            candidate=trial.candidate,
            name=figure_name(record, _NAME),
        )

    def blocks(self) -> Iterator[Block]:
        whose = f"of {len(self.parts)} repeats" if self.repeats else f"of trial {self.trial}"
        refit = ", and of the refit" if self.refit is not None else ""
        best = f"; the best epoch is {self.best_epoch}" if self.best_epoch is not None else ""
        alt = f"Accuracy and loss {whose} by epoch, in validation and training{refit}{best}"
        yield Plot(self.name, alt, self.draw, self.chart)
        if self.candidate is not None:
            words = Paragraph(" ".join(self._how_to_read(self.candidate)), "quiet")
            yield Details("How to read the curves", (words,))

    def _how_to_read(self, candidate: Candidate) -> Iterator[str]:
        """Yield sentences on what differs between figures of training and of validation."""
        minimized = list(loss_settings(candidate))
        if minimized and self.training.cross_entropy:
            yield (f"Both losses are plain cross entropy; training used {write_list(minimized)}.")
        elif minimized:
            yield (
                f"The training loss includes {write_list(minimized)}; the validation loss does not."
            )
        augmented = "" if candidate.augmentation == "none" else " on augmented images,"
        yield (
            f"Training figures are measured{augmented} with any dropout active, and averaged over "
            "an epoch in which the network improves, so they can be worse than validation figures."
        )
        if find_augmentation(candidate.augmentation).mixes_labels:
            yield "For training accuracy, the class of the larger part of a mixed image is right."

    def draw(self) -> Figure:
        """Draw accuracy over loss by epoch."""
        figure = new_figure(4.2)
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes, metric in zip((upper, lower), _METRICS, strict=True):
            for series in self._series(metric):
                series.draw(axes)
            metric_axis(axes, metric)
            axes.set_ylabel(str(metric))
        integer_axis(lower)
        lower.set_xlabel("epoch")
        lower.set_xlim(left=1 - 0.02 * len(self.mean.loss))
        figure.align_ylabels()
        figure.legend(*legend_once(upper), loc="outside lower center", ncols=2, columnspacing=1.4)
        return figure

    def chart(self) -> Chart:
        """Draw the same for the page; hovering shows the fold, the epoch and the value."""
        upper, lower = (
            {"title": str(metric), "tickformat": metric_format(metric)} for metric in _METRICS
        )
        figure = new_chart_figure(
            xaxis={"anchor": "y2", "title": "epoch", **whole_ticks(len(self.mean.accuracy))},
            yaxis={"domain": [0.54, 1], **upper},
            yaxis2={"domain": [0, 0.46], **lower},
            margin={"l": 60, "r": 16, "t": 72, "b": 48},
        )
        for metric, axis in zip(_METRICS, ("y", "y2"), strict=True):
            figure.add_traces([one.trace(yaxis=axis) for one in self._series(metric)])
        return Chart(name_once(figure), 460)

    def _series(self, metric: Metric) -> Iterator[Series]:
        """Yield the curves of each fold or training, their means, the refit's, and the marks."""
        several, part = len(self.parts) > 1, "repeat" if self.repeats else "fold"
        for number, one in enumerate(self.parts if several else (), start=1):
            name, hover = f"validation, each {part}", f"validation, {part} {number}"
            yield _line(name, one, metric, hover, colour=BLUE, width=1, opacity=0.6)
            yield from _drop_marks(one, metric)
        over = f", mean over {part}s" if several else ""
        yield _line(f"validation{over}", self.mean, metric, colour=BLUE, width=2.5)
        yield _line(f"training{over}", self.training, metric, colour=ORANGE, width=1.5)
        if self.refit is not None:
            look: dict[str, Any] = {"colour": GREEN, "width": 1.5, "dash": "dash"}
            yield _line("training of the refit", self.refit, metric, **look)
        yield from _drop_marks(self.mean.model_copy(update={"drops": self.drops}), metric)
        if self.best_epoch is not None:
            name = f"best epoch, E* = {self.best_epoch}"
            yield _mark(name, (self.best_epoch,), self.mean, metric, "star", 14)


def _joined(trials: Sequence[TrialRecord]) -> History:
    """Combine equally long trainings of one fold each into one history, as if they were folds."""
    epochs = zip(*(trial.history.epochs for trial in trials), strict=True)
    return History(tuple(tuple(chain.from_iterable(epoch)) for epoch in epochs))


def _part(history: History, fold: int, *, marked: bool) -> Curves:
    rates = [folds[fold].learning_rate for folds in history.epochs]
    return Curves(
        accuracy=tuple(history.fold_curves(ACCURACY)[fold]),
        loss=tuple(history.fold_curves(LOSS)[fold]),
        drops=_drops(rates) if marked else (),
    )


def _training_curves(history: History) -> Curves:
    return Curves(
        accuracy=tuple(
            statistics.fmean(f.train_accuracy for f in folds) for folds in history.epochs
        ),
        loss=tuple(statistics.fmean(f.train_loss for f in folds) for folds in history.epochs),
        cross_entropy=_cross_entropies(history),
    )


def _cross_entropies(history: History) -> tuple[float, ...]:
    """Return the mean over folds by epoch; nothing if some are what was minimized."""
    recorded = [
        [fold.train_cross_entropy for fold in folds if fold.train_cross_entropy is not None]
        for folds in history.epochs
    ]
    if any(len(one) < len(folds) for one, folds in zip(recorded, history.epochs, strict=True)):
        return ()
    return tuple(map(statistics.fmean, recorded))


def _has_plateaus(trial: TrialRecord) -> bool:
    # A cosine falls at every step, so only a plateau's drops are worth a mark.
    return trial.candidate is not None and trial.candidate.schedule.name == "plateau"


def _drops(rates: Sequence[float]) -> tuple[int, ...]:
    return tuple(epoch for epoch, (old, new) in enumerate(pairwise(rates), start=1) if new < old)


def _line(name: str, curves: Curves, metric: Metric, hover: str = "", **look: Any) -> Series:
    values = curves.values(metric)
    shown = f"{metric} %{{y:{'.2%' if metric.is_share else '.4f'}}}"
    return Series(
        name,
        range(1, len(values) + 1),
        values,
        size=6 if len(values) == 1 else 0,  # a line of a single epoch has no length
        hover=f"{hover or name}<br>epoch %{{x}}, {shown}<extra></extra>",
        **look,
    )


def _drop_marks(curves: Curves, metric: Metric) -> Iterator[Series]:
    if curves.drops:
        yield _mark("learning rate drops", curves.drops, curves, metric, "triangle-down", 8)


def _mark(
    name: str, epochs: tuple[int, ...], curves: Curves, metric: Metric, marker: Marker, size: float
) -> Series:
    values = curves.values(metric)
    return Series(
        name,
        epochs,
        [values[epoch - 1] for epoch in epochs],
        VERMILLION,
        marker=marker,
        size=size,
        hover=f"{name}<br>epoch %{{x}}<extra></extra>",
    )
