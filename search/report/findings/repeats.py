"""How do the trainings of a reproduced baseline differ, and do they reach the reported figures?"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self, final

from search.metric import ACCURACY, LOSS, Metric
from search.reference.reported_figures import (
    ReportedRow,
    reported_csv,
    reported_infos,
    reported_note,
    reported_rows,
)
from search.report.blocks import Block, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import GOOD, Finding, MetricName, Number, ReportPart, Unlisted
from search.report.scoring import at_best_epoch, in_plan_order
from search.text import interval, score, spread
from search.tuning.records import StudyRecord, TrialRecord

_CSV = "reported.csv"
_WITHOUT_SCORE = ("diverged", "failed", "infeasible")
_MEASURES: tuple[tuple[str, Metric], ...] = (
    ("validation_loss", LOSS),
    ("validation_accuracy", ACCURACY),
    ("test_loss", LOSS),
    ("test_accuracy", ACCURACY),
)


@final
class RepeatFigures(ReportPart):
    """Measures of one training or of several: fractions and nats; null if not measured."""

    validation_loss: Number
    """Validation loss."""
    validation_accuracy: Number
    """Validation accuracy."""
    test_loss: Number
    """Test loss, a mean over images."""
    test_accuracy: Number
    """Test accuracy."""


@final
class Repeat(ReportPart):
    """One complete training of a baseline study."""

    trial: int
    """Its number."""
    figures: RepeatFigures
    """Its measures."""
    interval: tuple[float, float] | None
    """95% Wilson interval of its test accuracy."""


@final
class Repeats(Finding):
    """The complete trainings of a baseline study, with their mean and standard deviation."""

    key = "repeats"
    section = GOOD
    title = "Trainings"

    rows: tuple[Repeat, ...]
    """One for each training, in the order of the plan."""
    mean: RepeatFigures
    """Their means; null if a training lacks the measure."""
    std: RepeatFigures | None
    """Their sample standard deviations (n - 1); null for a single training."""
    others: tuple[str, ...]
    """How the other trainings ended."""
    tested: Unlisted[bool]  # each on its own, without a refit

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the complete trainings; None for a search."""
        return cls.of_record(evidence.record)

    @classmethod
    def of_record(cls, record: StudyRecord) -> Self | None:
        """Collect the trainings of a record; None for a search.

        Validation measures are those at the scored epoch, averaged over folds.
        """
        if record.recipe.protocol.is_search:
            return None
        rows = tuple(_repeat(record, trial) for trial in in_plan_order(record.complete()))
        return cls(
            rows=rows,
            mean=_columnwise(rows, statistics.fmean),
            std=_columnwise(rows, statistics.stdev) if len(rows) > 1 else None,
            others=tuple(_end(one) for one in record.trials if one.kind in _WITHOUT_SCORE),
            tested=not record.recipe.protocol.refits,
        )

    def blocks(self) -> Iterator[Block]:
        if self.rows:
            yield self._table()
            notes = tuple(self._notes())
            if notes:
                yield Paragraph(" ".join(notes), "quiet")
        else:
            yield Paragraph("No training is complete yet.", "quiet")
        if self.others:
            yield Paragraph(f"Not in the table: {'; '.join(self.others)}.", "notice")

    def _table(self) -> Table:
        shown = _MEASURES if self.tested else _MEASURES[:2]
        names = tuple(name.replace("_", " ").capitalize() for name, _ in shown)
        epoch = "after the last epoch" if self.tested else "mean over folds at E*"

        def cells(values: RepeatFigures, write: Callable[[float | None, Metric], str]) -> list[str]:
            return [write(getattr(values, name), metric) for name, metric in shown]

        def row(name: str, figures: list[str], last: str = "") -> tuple[str, ...]:
            return (name, *figures, last) if self.tested else (name, *figures)

        rows = (
            row(
                f"trial {one.trial}",
                cells(one.figures, score),
                "–" if one.interval is None else interval(one.interval),
            )
            for one in self.rows
        )
        footer: tuple[tuple[str, ...], ...] = ()
        if self.std is not None:
            footer = (
                row("mean", cells(self.mean, score)),
                row("standard deviation", cells(self.std, spread)),
            )
        return Table(
            caption=f"Each training, {epoch}",
            header=row("Training", [*names], "95% interval"),
            rows=tuple(rows),
            align="l" + "r" * (len(names) + self.tested),
            footer=footer,
        )

    def _notes(self) -> Iterator[str]:
        if self.std is not None:
            yield "Each training has its own seed; the standard deviation is the sample’s (n - 1)."
        elif self.tested:
            yield "One training cannot show how much the result depends on the seed."
        if self.tested:
            yield (
                "Validation losses are means over batches of 1,000, as in the hand-tuned report; "
                "test losses are means over images. Intervals are Wilson’s."
            )


def _repeat(record: StudyRecord, trial: TrialRecord) -> Repeat:
    test = next((one for one in record.repeats if one.trial == trial.number), None)
    figures = RepeatFigures(
        validation_loss=at_best_epoch(trial, LOSS),
        validation_accuracy=at_best_epoch(trial, ACCURACY),
        test_loss=None if test is None else test.loss,
        test_accuracy=None if test is None else test.accuracy,
    )
    return Repeat(
        trial=trial.number, figures=figures, interval=None if test is None else test.interval
    )


def _columnwise(
    rows: Sequence[Repeat], summary: Callable[[Sequence[float]], float]
) -> RepeatFigures:
    def summarised(name: str) -> float | None:
        found = [getattr(row.figures, name) for row in rows]
        known = [value for value in found if value is not None]
        return summary(known) if known and len(known) == len(found) else None

    return RepeatFigures(**{name: summarised(name) for name, _ in _MEASURES})


def _end(trial: TrialRecord) -> str:
    reason = f": {trial.reason}" if trial.reason else ""
    return f"trial {trial.number} {trial.kind}{reason}"


@final
class ReportedFigure(ReportPart):
    """A figure of the hand-tuned report and ours."""

    name: str
    """Which."""
    metric: MetricName
    """Whether it is an accuracy (a fraction) or a loss (in nats)."""
    reported: Number
    """The report's."""
    ours: Number
    """The mean of our trainings."""
    deviation: Number
    """Their sample standard deviation (n - 1); null for a single training."""
    trainings: int
    """How many trainings there are."""
    difference: Number
    """Ours minus the report's."""
    tolerance: Number
    """The report's rounding plus twice the standard deviation."""
    within: bool | None
    """Whether the difference is at most that; false only if it is beyond `limit`; null between
    both, and if the two cannot be compared."""
    limit: Number
    """The report's rounding plus the difference that one more training would exceed in any of the
    figures in less than 1 of 20 cases (Student's t); null for a single training."""


@final
class Reported(Finding):
    """The baseline's figures compared with those of the hand-tuned report."""

    key = "reported"
    section = GOOD
    title = "Compared with the hand-tuned report"
    listed = "compared"
    file_names = (_CSV,)

    compared: tuple[ReportedFigure, ...]
    """One for each figure of the report."""
    rows: Unlisted[tuple[ReportedRow, ...]]
    note: Unlisted[str]
    text: Unlisted[str]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Compare them; None unless the study is a complete reproduction."""
        record = evidence.record
        found = reported_infos(record)
        if not found:
            return None
        return cls(
            compared=tuple(map(ReportedFigure.model_validate, found)),
            rows=reported_rows(record),
            note=reported_note(record),
            text=reported_csv(record),
        )

    def blocks(self) -> Iterator[Block]:
        yield Table(
            caption="The report’s figures and ours",
            header=("Figure", "Report", "Ours", "Difference", "Verdict"),
            rows=self.rows,
            align="lrrrl",
        )
        yield Paragraph(self.note, "quiet")

    def file_texts(self) -> Mapping[str, str]:
        return {_CSV: self.text}
