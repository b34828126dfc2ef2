"""The history of a training: one record per fold and epoch, and curves derived from them."""

import operator
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias, final

from pydantic import Field

from search.metric import Metric

Confusion: TypeAlias = tuple[tuple[int, ...], ...]
"""Counts (classes, classes): row i, column j holds the images of class i predicted as j."""


@final
@dataclass(frozen=True)
class FoldEpoch:
    """One fold's figures after one epoch.

    Losses are cross entropies (natural log), means over images or, in a replication, over batches.
    The training loss is what was minimized, on augmented images: with label smoothing, class
    weights and focal loss, where the candidate has them. The validation loss has none of these.

    Attributes:
        train_loss: Training loss.
        train_accuracy: Fraction of the training images; of a mixed image, the class of its larger
            part is the right one.
        validation_loss: None for a refit, which has no validation set.
        validation_accuracy: Fraction of the validation images; None for a refit.
        learning_rate: Rate of the epoch's first step.
        seconds: Wall time of training and validation.
        confusion: Counts of the validation images; None with many classes, or if not recorded.
        measures: Other validation figures by their metric's name: that of the study.
        train_cross_entropy: Training loss measured as the validation loss is, on augmented images;
            None where that is what was minimized, or if not recorded.
    """

    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float
    confusion: Confusion | None = None
    measures: Annotated[Mapping[str, float], Field(exclude_if=operator.not_)] = field(
        default_factory=dict
    )
    train_cross_entropy: Annotated[float | None, Field(exclude_if=lambda one: one is None)] = None

    def plain_train_loss(self) -> float:
        """Return the training loss as plain cross entropy, or what was minimized if need be."""
        return self.train_loss if self.train_cross_entropy is None else self.train_cross_entropy

    def score(self, metric: Metric) -> float:
        """Return the validation figure of the metric; raises ValueError if there is none."""
        value: float | None = self.measures.get(metric.name)
        if metric.recorded is not None:
            value = getattr(self, metric.recorded)
        if value is None:
            raise ValueError(f"no validation {metric} was recorded")
        return value


@final
@dataclass(frozen=True)
class History:
    """The epochs of a trial, oldest first; each holds one FoldEpoch per fold."""

    epochs: tuple[tuple[FoldEpoch, ...], ...] = ()

    def mean_curve(self, metric: Metric) -> list[float]:
        """Return the mean over folds of the validation figure, one value per epoch."""
        return [statistics.fmean(self.fold_scores(i + 1, metric)) for i in range(len(self.epochs))]

    def fold_scores(self, epoch: int, metric: Metric) -> list[float]:
        """Return the validation figure of each fold after `epoch` (counted from 1)."""
        return [fold.score(metric) for fold in self.epochs[epoch - 1]]

    def fold_curves(self, metric: Metric) -> list[list[float]]:
        """Return each fold's validation figure, one value per epoch."""
        return [[fold.score(metric) for fold in curve] for curve in zip(*self.epochs, strict=True)]

    def confusion(self, epoch: int) -> Confusion | None:
        """Return the counts of all folds together after `epoch`; None if a fold lacks them."""
        kept = [fold.confusion for fold in self.epochs[epoch - 1] if fold.confusion is not None]
        if len(kept) < len(self.epochs[epoch - 1]):
            return None
        rows = zip(*kept, strict=True)
        return tuple(tuple(map(sum, zip(*row, strict=True))) for row in rows)

    def truncated(self, epochs: int) -> "History":
        """Return the first `epochs` epochs."""
        return History(self.epochs[:epochs])

    def learning_rates(self) -> list[float]:
        """Return the median over folds of the learning rate, one value per epoch."""
        return [statistics.median(fold.learning_rate for fold in folds) for folds in self.epochs]

    def n_folds(self) -> int:
        """Return the number of folds; 0 before the first epoch."""
        return len(self.epochs[0]) if self.epochs else 0

    def fold_epochs(self) -> int:
        """Return how many epochs were trained, summed over folds."""
        return sum(len(folds) for folds in self.epochs)

    def seconds(self) -> float:
        """Return the wall time of all epochs and folds."""
        return sum(fold.seconds for folds in self.epochs for fold in folds)


def best_epoch(curve: Sequence[float], metric: Metric) -> int:
    """Return E*, the epoch (counted from 1) at which the curve is best, the earliest on a tie."""
    if not curve:
        raise ValueError("curve must have at least one epoch, got none")
    return list(curve).index(metric.best(curve)) + 1
