"""The trainings of a baseline study, one a seed, with their mean and spread. Pure."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from search.metric import Metric
from search.tuning.records import StudyRecord, TrialRecord


class RepeatFigures(NamedTuple):
    """Losses and accuracies (fractions); None where a figure is not there (yet)."""

    validation_loss: float | None
    validation_accuracy: float | None
    test_loss: float | None
    test_accuracy: float | None


class RepeatRow(NamedTuple):
    """One complete training; `interval` is the 95% Wilson interval of its test accuracy."""

    trial: int
    figures: RepeatFigures
    interval: tuple[float, float] | None


class RepeatsInfo(NamedTuple):
    """The complete trainings in the plan's order.

    `mean` holds a figure where all trainings have it; `std`, the sample standard deviation (n - 1),
    is None for a single training. `others` says what became of trainings that ended otherwise.
    """

    rows: tuple[RepeatRow, ...]
    mean: RepeatFigures
    std: RepeatFigures | None
    others: tuple[str, ...]


def repeats_info(record: StudyRecord) -> RepeatsInfo | None:
    """Return a baseline study's trainings, None for a search.

    Validation figures are those of the scored epoch, means over folds where there are folds; a
    study that ends in a refit tests no single training.
    """
    if record.recipe.protocol.is_search:
        return None
    trials = sorted(record.complete(), key=lambda trial: (trial.plan, trial.attempt))
    rows = tuple(_row(record, trial) for trial in trials)
    figures = [row.figures for row in rows]
    return RepeatsInfo(
        rows=rows,
        mean=_columnwise(figures, statistics.fmean),
        std=_columnwise(figures, statistics.stdev) if len(rows) > 1 else None,
        others=tuple(_fate(trial) for trial in record.trials if _ended_otherwise(trial)),
    )


def _row(record: StudyRecord, trial: TrialRecord) -> RepeatRow:
    test = next((one for one in record.repeats if one.trial == trial.number), None)
    figures = RepeatFigures(
        validation_loss=_scored(trial, "loss"),
        validation_accuracy=_scored(trial, "accuracy"),
        test_loss=None if test is None else test.loss,
        test_accuracy=None if test is None else test.accuracy,
    )
    return RepeatRow(trial.number, figures, None if test is None else test.interval)


def _scored(trial: TrialRecord, metric: Metric) -> float | None:
    curve = trial.history.mean_curve(metric)
    return None if trial.best_epoch is None or not curve else curve[trial.best_epoch - 1]


def _columnwise(
    rows: Iterable[RepeatFigures], summary: Callable[[Sequence[float]], float]
) -> RepeatFigures:
    columns = list(zip(*rows, strict=True)) or [()] * len(RepeatFigures._fields)
    return RepeatFigures(*(_summarised(column, summary) for column in columns))


def _summarised(
    column: Sequence[float | None], summary: Callable[[Sequence[float]], float]
) -> float | None:
    known = [value for value in column if value is not None]
    return summary(known) if known and len(known) == len(column) else None


def _ended_otherwise(trial: TrialRecord) -> bool:
    return trial.kind in ("diverged", "failed", "infeasible")


def _fate(trial: TrialRecord) -> str:
    reason = f": {trial.reason}" if trial.reason else ""
    return f"trial {trial.number} {trial.kind}{reason}"
