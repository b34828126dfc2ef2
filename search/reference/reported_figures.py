"""Our replication compared with the figures of the hand-tuned report.

The report (Python 2nd Assignment Image Classification, PTIT, June 2025) gives its validation
figures after 40 epochs as "about", and calls those of the test identical.
"""

import csv
import io
import math
import statistics
from typing import NamedTuple

from scipy.stats import t as student

from search.data.cifar10 import is_cifar10_copy, is_original_cifar10
from search.metric import ACCURACY, LOSS, Metric
from search.tuning.records import StudyRecord

REPORTED_EPOCHS = 40
_FIGURES = 4  # loss and accuracy, in validation and test


class _Reported(NamedTuple):
    """The report's figures of one network, as printed."""

    loss: float
    loss_rounding: float  # true values are within this of the printed one
    accuracy: float
    accuracy_rounding: float = 0.005


_REPORTED = {"mlp": _Reported(1.2, 0.05, 0.58), "cnn": _Reported(0.56, 0.005, 0.81)}


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
        within: Whether the difference is within the tolerance; False only if it is beyond the
            limit; None between both, and if the two cannot be compared.
        limit: The difference that one more training of ours would exceed in any of the report's
            figures in less than 1 of 20 cases; None for a single training.
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
    limit: float | None


class ReportedRow(NamedTuple):
    """One figure of the report next to ours, as text."""

    name: str
    reported: str
    ours: str
    difference: str
    verdict: str


def reported_infos(record: StudyRecord) -> tuple[ReportedInfo, ...]:
    """Return the report's four figures next to ours; none before the replication is complete.

    There are none for a user's own space either, because the report does not have its network.
    """
    reported = _REPORTED.get(record.recipe.space)
    if not record.repeats or reported is None:
        return ()
    trials = {trial.number: trial for trial in record.trials}
    histories = [trials[repeat.trial].history for repeat in record.repeats]
    figures: dict[tuple[str, Metric], list[float]] = {
        ("validation loss", LOSS): [one.mean_curve(LOSS)[-1] for one in histories],
        ("validation accuracy", ACCURACY): [one.mean_curve(ACCURACY)[-1] for one in histories],
        ("test loss", LOSS): [repeat.loss for repeat in record.repeats],
        ("test accuracy", ACCURACY): [repeat.accuracy for repeat in record.repeats],
    }
    comparable = incomparable(record) is None
    return tuple(
        _compare(name, metric, reported, values, comparable=comparable)
        for (name, metric), values in figures.items()
    )


def _compare(
    name: str, metric: Metric, reported: _Reported, values: list[float], *, comparable: bool
) -> ReportedInfo:
    theirs, rounding = {
        ACCURACY: (reported.accuracy, reported.accuracy_rounding),
        LOSS: (reported.loss, reported.loss_rounding),
    }[metric]
    ours = statistics.fmean(values)
    deviation = statistics.stdev(values) if len(values) > 1 else None
    tolerance = rounding + 2 * (deviation or 0.0)
    limit = None if deviation is None else rounding + _reach(len(values)) * deviation
    difference = ours - theirs
    return ReportedInfo(
        name=name,
        metric=metric,
        reported=theirs,
        ours=ours,
        deviation=deviation,
        trainings=len(values),
        difference=difference,
        tolerance=tolerance,
        within=_is_within(abs(difference), tolerance, limit) if comparable else None,
        limit=limit,
    )


def _reach(n: int) -> float:
    """Return how many deviations one more result may be from the mean of `n`, at least 2.

    It is Student's t for a single new value, as few results say little of their own deviation, with
    Bonferroni's correction for the report's four figures.
    """
    return float(student.ppf(1 - 0.05 / 2 / _FIGURES, n - 1)) * math.sqrt(1 + 1 / n)


def _is_within(difference: float, tolerance: float, limit: float | None) -> bool | None:
    if difference <= tolerance:
        return True
    return False if limit is not None and difference > limit else None


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
        "standard deviation (SD) of our trainings. Outside: chance makes it in any of the figures "
        "in less than 1 of 20 studies (Student's t), which a few trainings seldom show"
    )
    if is_original_cifar10(record.dataset):
        return f"{rule}."
    return f"{rule}; the report used the original images, this study copies."


def reported_rows(record: StudyRecord) -> tuple[ReportedRow, ...]:
    """Return the comparison as text."""
    comparable = incomparable(record) is None
    return tuple(_row(info, comparable=comparable) for info in reported_infos(record))


def reported_csv(record: StudyRecord) -> str:
    """Return the comparison as CSV: fractions and losses unrounded; unknown cells are empty."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(ReportedInfo._fields)
    table.writerows(reported_infos(record))
    return text.getvalue()


def _row(info: ReportedInfo, *, comparable: bool) -> ReportedRow:
    unknown = "too few trainings to tell" if comparable else "not comparable"
    verdict = {True: "within its spread", False: "outside its spread", None: unknown}
    ours, reported, difference = (
        _accuracy_texts(info) if info.metric.is_share else _loss_texts(info)
    )
    return ReportedRow(info.name, reported, ours, difference, verdict[info.within])


def _accuracy_texts(info: ReportedInfo) -> tuple[str, str, str]:
    """Return our accuracy, the report's, and the difference."""
    spread = "" if info.deviation is None else f" (SD {100 * info.deviation:.2f} points)"
    difference = f"{100 * info.difference:+.2f} points"
    return f"{info.ours:.2%}{spread}", f"about {info.reported:.0%}", difference


def _loss_texts(info: ReportedInfo) -> tuple[str, str, str]:
    spread = "" if info.deviation is None else f" (SD {info.deviation:.4f})"
    return f"{info.ours:.4f}{spread}", f"about {info.reported:g}", f"{info.difference:+.4f}"
