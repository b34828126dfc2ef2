"""What are all metrics of the final model, and what would guessing be worth?"""

from collections.abc import Iterator
from typing import Self, final

import numpy as np

from search.data.predictions import TrialPredictions
from search.metric import METRICS, CountMetric, Metric
from search.report.blocks import Block, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import GOOD, Finding, MetricName, Number, ReportPart, Unlisted
from search.report.scoring import at_best_epoch, decisive_score, of_trainings
from search.text import listed, score, score_interval
from search.training.metrics import LargestClass, TestResult, always_right
from search.tuning.records import StudyRecord, TrialRecord
from search.user_metric import FunctionMetric


@final
class MetricRow(ReportPart):
    """One metric of the winner: shares are fractions, losses in nats."""

    metric: MetricName
    """Which."""
    scored_by: bool
    """Whether trials are scored by it."""
    validation: Number
    """Its value at E*; null if it was not measured, as AUROC where its predictions were not kept.
    With folds: the mean over folds of what is recorded every epoch, and otherwise of the images of
    all folds together."""
    test: Number
    """Its value on the test images; null before the test, or if an older study did not store it."""
    interval: tuple[float, float] | None
    """Its 95% interval on the test images: Wilson's for accuracy, others from a bootstrap; null
    before the test, where an older study did not store it, and where all resamples of the
    bootstrap have the same value, as of few images."""
    chance: Number
    """What guessing every class equally often is worth."""


@final
class Majority(ReportPart):
    """The class with the most test images: what a model that always answers it is worth."""

    name: str
    """The class."""
    share: float
    """Its share of the test images, which is the accuracy of always answering it."""
    imbalanced: bool
    """Whether it is clearly larger than its fair share."""


@final
class AllMetrics(Finding):
    """Every metric of the winner, whatever trials are scored by."""

    key = "metrics"
    section = GOOD
    title = "Every metric"
    folded = True
    brief = True

    metrics: tuple[MetricRow, ...]
    """One for each metric, the one that trials are scored by first."""
    majority: Majority | None
    """The largest class; null before the test."""
    largest: Unlisted[LargestClass | None]  # where it is worth a sentence
    again: Unlisted[str] = ""  # of which trainings the first one's validation is the mean

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Measure the winner; None if nothing has won, and where networks are not refitted."""
        record = evidence.record
        winner, test = record.winner(), record.test
        if winner is None or not record.recipe.protocol.refits:
            return None
        own, kept = record.metric, evidence.validation.get(winner.number)
        metrics = (own, *(one for one in METRICS if one.name != own.name))
        return cls(
            metrics=tuple(_row(one, record, winner, kept) for one in metrics),
            majority=None if test is None else _majority(test),
            largest=None if test is None else test.majority(),
            again=of_trainings(record, winner),
        )

    def summary(self) -> tuple[str, ...]:
        """Name what the test line does not: the other metrics, and what the majority is worth."""
        known = [
            f"{row.metric} {score(row.test, row.metric)}"
            for row in self.metrics
            if row.test is not None and row.metric.name not in ("accuracy", "loss")
        ]
        others = (f"On the test images: {listed(known)}.",) if known else ()
        return (*self._imbalance(), *others)

    def blocks(self) -> Iterator[Block]:
        yield from map(Paragraph, self._imbalance())
        yield Table(
            caption="Every metric of the winner, and what is reached by guessing each class "
            "equally often",
            header=(
                "Metric",
                "Validation" if self.again else "Validation at E*",
                "Test",
                "95% interval",
                "Guessing",
            ),
            rows=tuple(map(_cells, self.metrics)),
            align="lrrrr",
            most=len(self.metrics),
        )
        yield Paragraph(
            "Trials are ranked by the first one. The interval of accuracy is Wilson’s; the others "
            "come from a bootstrap of the test images, so they differ a little."
            f"{self._what_is_missing()}{self._of_which_trainings()}",
            "quiet",
        )

    def _what_is_missing(self) -> str:
        missing = [row.metric.title for row in self.metrics if row.validation is None]
        if not missing:
            return ""
        need = "needs" if len(missing) == 1 else "need"
        return f" {listed(missing)} in validation {need} predictions, which were not kept."

    def _of_which_trainings(self) -> str:
        if not self.again:
            return ""
        first = self.metrics[0].metric
        return f" Validation {first} is {self.again}; the others are of the search’s training."

    def _imbalance(self) -> Iterator[str]:
        if self.largest is not None:
            yield (
                f"The classes are imbalanced: {always_right(self.largest)} of the test images. "
                "Balanced accuracy counts every class alike."
            )


def _row(
    metric: Metric, record: StudyRecord, winner: TrialRecord, kept: TrialPredictions | None
) -> MetricRow:
    test = record.test
    measured = None if test is None else test.measure(metric)
    return MetricRow(
        metric=metric,
        scored_by=metric.name == record.metric.name,
        validation=_validation(metric, record, winner, kept),
        test=None if test is None else test.value(metric),
        interval=None if measured is None else measured.interval,
        chance=None if test is None else guessing_is_worth(metric, test),
    )


def _validation(
    metric: Metric, record: StudyRecord, winner: TrialRecord, kept: TrialPredictions | None
) -> float | None:
    if metric.name == record.metric.name:
        return decisive_score(record, winner)
    if metric.recorded is not None:
        return at_best_epoch(winner, metric)
    if isinstance(metric, CountMetric) and winner.confusion is not None:
        return metric.of_counts(np.array(winner.confusion))
    if kept is None or isinstance(metric, FunctionMetric):
        return None
    return metric.measure(kept.labels, kept.probabilities.astype(np.float64))


def guessing_is_worth(metric: Metric, test: TestResult) -> float | None:
    """Return what guessing is worth; None for a user's metric, whose file may be gone."""
    return None if isinstance(metric, FunctionMetric) else metric.chance(test.shares())


def _majority(test: TestResult) -> Majority:
    largest = test.largest_class()
    imbalanced = test.majority() is not None
    return Majority(name=largest.name, share=largest.share, imbalanced=imbalanced)


def _cells(row: MetricRow) -> tuple[str, ...]:
    metric = row.metric
    both = "–" if row.interval is None else score_interval(row.interval, metric)
    values = (score(one, metric) for one in (row.validation, row.test))
    return metric.title, *values, both, score(row.chance, metric)
