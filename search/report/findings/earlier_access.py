"""Had other studies opened the test set of this dataset before?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Self, final

from search.catalog.openings import DatasetAccess
from search.report.blocks import Block, Paragraph
from search.report.evidence import Evidence
from search.report.finding import CERTAIN, Finding, ReportPart, Text
from search.text import listed, times

_MOST_NAMED = 5


@final
class AccessOfStudy(ReportPart):
    """An access of another study to the test set of the same dataset."""

    study: str
    """The study."""
    time: datetime
    """The time, ISO 8601."""
    purpose: Text
    """Its purpose."""


@final
class EarlierAccess(Finding):
    """Accesses of other studies to this dataset's test set before this study's own last one."""

    key = "earlier_openings"
    section = CERTAIN
    title = "Earlier accesses to the test set"
    listed = "accesses"
    folded = True

    accesses: tuple[AccessOfStudy, ...]
    """The accesses in order of time, of all studies that the storage and the runs folder know."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the accesses; None if other studies were not looked for."""
        return None if evidence.earlier is None else cls.known(evidence.earlier)

    @classmethod
    def known(cls, accesses: Sequence[DatasetAccess]) -> Self:
        """Take these accesses."""
        return cls(accesses=tuple(map(AccessOfStudy.model_validate, accesses)))

    def blocks(self) -> Iterator[Block]:
        if not self.accesses:
            yield Paragraph("No other known study had opened the test set of this dataset before.")
            return
        yield Paragraph(
            f"{self.words()} What was learned from those results may have shaped this study; "
            "then its own result is optimistic.",
            "notice",
        )

    def words(self) -> str:
        """How often, and by which studies, in a sentence; there is at least one access."""
        per_study = Counter(one.study for one in self.accesses)
        names = [f"{name} ({times(n)})" if n > 1 else name for name, n in per_study.items()]
        shown, more = names[:_MOST_NAMED], len(names) - _MOST_NAMED
        named = listed([*shown, f"{more} more"] if more > 0 else shown)
        return (
            f"The test set of this dataset had been opened {times(len(self.accesses))} before, "
            f"by {'study' if len(names) == 1 else 'studies'} {named}."
        )
