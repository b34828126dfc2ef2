"""Our replication compared with the figures of the hand-tuned report. Pure.

The report (Python 2nd Assignment Image Classification, PTIT, June 2025) gives its validation
figures after 40 epochs as "about", and calls those of the test identical.
"""

import csv
import io
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, final

from search.data.cifar10 import is_cifar10_copy, is_original_cifar10
from search.metric import Metric
from search.tuning.records import RepeatResult, StudyRecord, TrialRecord

REPORTED_EPOCHS = 40


@final
@dataclass(frozen=True)
class _Reported:
    """A figure as printed: true values lie within `rounding` of it."""

    value: float
    rounding: float


_LOSS = {"mlp": _Reported(1.2, 0.05), "cnn": _Reported(0.56, 0.005)}
_ACCURACY = {"mlp": _Reported(0.58, 0.005), "cnn": _Reported(0.81, 0.005)}


class ReportedInfo(NamedTuple):
    """One figure of the report, compared with our trainings.

    Attributes:
        name: The figure.
        metric: What it measures.
        reported: The report's value.
        ours: The mean of our trainings.
        deviation: Their standard deviation; None for a single training.
        trainings: How many there are.
        difference: Ours minus the report's.
        tolerance: The report's rounding plus twice the standard deviation.
        within: Whether the difference is within the tolerance; None if the two cannot be compared.
    """

    name: str
    metric: Metric
    reported: float
    ours: float
    deviation: float | None
    trainings: int
    difference: float
    tolerance: float
    within: bool | None


class ReportedRow(NamedTuple):
    """One figure of the report next to ours, as text."""

    name: str
    reported: str
    ours: str
    difference: str
    verdict: str


def reported_infos(record: StudyRecord) -> tuple[ReportedInfo, ...]:
    """Return the report's four figures next to ours; none before the replication is complete."""
    kind = _kind(record)
    if not record.repeats or kind is None:
        return ()
    trials = {trial.number: trial for trial in record.trials}
    comparable = incomparable(record) is None

    def info(
        name: str, metric: Metric, value: Callable[[RepeatResult, TrialRecord], float]
    ) -> ReportedInfo:
        reported = (_LOSS if metric == "loss" else _ACCURACY)[kind]
        values = [value(repeat, trials[repeat.trial]) for repeat in record.repeats]
        return _compare(name, metric, reported, values, comparable=comparable)

    return (
        info("validation loss", "loss", lambda _, trial: _last(trial, "loss")),
        info("validation accuracy", "accuracy", lambda _, trial: _last(trial, "accuracy")),
        info("test loss", "loss", lambda repeat, _: repeat.loss),
        info("test accuracy", "accuracy", lambda repeat, _: repeat.accuracy),
    )


def incomparable(record: StudyRecord) -> str | None:
    """Return why our figures cannot be compared with the report's, or None if they can."""
    if not (is_original_cifar10(record.dataset) or is_cifar10_copy(record.dataset)):
        return f"the report's figures are for CIFAR-10, these for {record.dataset.name}"
    epochs = record.recipe.epochs
    if epochs != REPORTED_EPOCHS:
        return f"the report trained for {REPORTED_EPOCHS} epochs, this study for {epochs}"
    return None


def reported_note(record: StudyRecord) -> str:
    """Return one sentence on how to read the comparison."""
    reason = incomparable(record)
    if reason is not None:
        return f"Not comparable: {reason}."
    rule = (
        "Within its spread: the difference is at most the report's rounding plus twice the "
        "standard deviation of our trainings"
    )
    if is_original_cifar10(record.dataset):
        return f"{rule}."
    return f"{rule}; the report used the original images, this study copies."


def reported_rows(record: StudyRecord) -> tuple[ReportedRow, ...]:
    """Return the comparison as text."""
    return tuple(_row(info) for info in reported_infos(record))


def reported_csv(record: StudyRecord) -> str:
    """Return the comparison as CSV: fractions and losses unrounded; unknown cells are empty."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(ReportedInfo._fields)
    table.writerows(reported_infos(record))
    return text.getvalue()


def _row(info: ReportedInfo) -> ReportedRow:
    verdict = {True: "within its spread", False: "outside its spread", None: "not comparable"}
    ours, reported, difference = (
        _loss_texts(info) if info.metric == "loss" else _accuracy_texts(info)
    )
    return ReportedRow(info.name, reported, ours, difference, verdict[info.within])


def _accuracy_texts(info: ReportedInfo) -> tuple[str, str, str]:
    """Return our accuracy, the report's, and the difference."""
    spread = "" if info.deviation is None else f" ± {100 * info.deviation:.2f} points"
    difference = f"{100 * info.difference:+.2f} points"
    return f"{info.ours:.2%}{spread}", f"about {info.reported:.0%}", difference


def _loss_texts(info: ReportedInfo) -> tuple[str, str, str]:
    spread = "" if info.deviation is None else f" ± {info.deviation:.4f}"
    return f"{info.ours:.4f}{spread}", f"about {info.reported:g}", f"{info.difference:+.4f}"


def _compare(
    name: str, metric: Metric, reported: _Reported, values: list[float], *, comparable: bool
) -> ReportedInfo:
    mean = statistics.fmean(values)
    deviation = statistics.stdev(values) if len(values) > 1 else None
    tolerance = reported.rounding + 2 * (deviation or 0.0)
    difference = mean - reported.value
    within = abs(difference) <= tolerance if comparable else None
    return ReportedInfo(
        name,
        metric,
        reported.value,
        mean,
        deviation,
        len(values),
        difference,
        tolerance,
        within,
    )


def _last(trial: TrialRecord, metric: Metric) -> float:
    return trial.history.mean_curve(metric)[-1]


def _kind(record: StudyRecord) -> str | None:
    """Return which of the report's networks was trained; None for a user's own."""
    space = record.recipe.space
    return space if space in _LOSS else None
