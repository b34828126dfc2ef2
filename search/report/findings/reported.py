"""Does the reproduction reach the figures of the hand-tuned report?"""

from collections.abc import Iterator
from typing import Self, final

from search.metric import Metric
from search.reference.reported_figures import (
    ReportedRow,
    reported_infos,
    reported_note,
    reported_rows,
)
from search.report.evidence import Evidence
from search.report.findings.base import GOOD, Finding
from search.report.findings.blocks import Block, Paragraph, Table
from search.report.parts import Number, ReportPart, Unlisted


@final
class ReportedFigure(ReportPart):
    """A figure of the hand-tuned report and ours."""

    name: str
    """Which."""
    metric: Metric
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
    """What the report's rounding and twice the standard deviation allow."""
    within: bool | None
    """Whether the difference is at most that; null where the two cannot be compared."""


@final
class Reported(Finding):
    """The baseline's figures compared with those of the hand-tuned report."""

    key = "reported"
    section = GOOD
    title = "Compared with the hand-tuned report"
    listed = "compared"

    compared: tuple[ReportedFigure, ...]
    """One for each figure of the report."""
    rows: Unlisted[tuple[ReportedRow, ...]]
    note: Unlisted[str]

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
        )

    def blocks(self) -> Iterator[Block]:
        """Yield a row for each figure, and how to read it."""
        yield Table(
            caption="The report’s figures and ours",
            header=("Figure", "Report", "Ours", "Difference", "Verdict"),
            rows=self.rows,
            align="lrrrl",
        )
        yield Paragraph(self.note, "quiet")
