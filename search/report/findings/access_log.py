"""How often was the test set opened, and what for?"""

from collections.abc import Iterator
from datetime import datetime
from typing import Self, final

from search.report.evidence import Evidence
from search.report.findings.base import CERTAIN, Finding
from search.report.findings.blocks import Block, Bullets, Paragraph
from search.report.parts import ReportPart, Text
from search.text import moment, opened


@final
class Access(ReportPart):
    """One access to the sealed test set."""

    time: datetime
    """When, ISO 8601."""
    purpose: Text
    """What for."""


@final
class TestSetAccess(Finding):
    """Every access to the test set, the first first."""

    __test__ = False  # no test case, whatever its name begins with

    key = "openings"
    section = CERTAIN
    title = "Test-set access"
    listed = "accesses"

    accesses: tuple[Access, ...]
    """The accesses in order of time."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """Take the accesses as recorded."""
        return cls(accesses=tuple(map(Access.model_validate, evidence.record.openings)))

    def blocks(self) -> Iterator[Block]:
        """Yield how often, a warning after the first access, and each access."""
        yield Paragraph(f"The test set was {opened(len(self.accesses))}.")
        if len(self.accesses) > 1:
            yield Paragraph(
                "Only the first test result is unbiased. If anything was changed after it, later "
                "results are optimistic.",
                "notice",
            )
        if self.accesses:
            yield Bullets(tuple(f"{moment(one.time)}: {one.purpose}" for one in self.accesses))
