"""Are images copies of one another, so that scores are too good?"""

from collections.abc import Iterator
from typing import Self, final

from search.report.blocks import Block, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import CERTAIN, Finding, Text, Unlisted


@final
class DuplicateImages(Finding):
    """How many images are copies of others, exactly or nearly."""

    key = "copies"
    section = CERTAIN
    title = "Copies of images"
    brief = True

    n_train: int
    """Training images that are copies of an earlier training image."""
    n_exact_train: int
    """Those of them with the same pixels."""
    n_test: int
    """Test images that are copies of a training image."""
    n_exact_test: int
    """Those of them with the same pixels as an earlier image."""
    n_contradictory: int
    """Images whose copies have another class."""
    together: bool
    """Whether copies were kept on the same side of every split."""
    examples: tuple[tuple[Text, Text], ...]
    """Files of some pairs, those of test images first."""
    lines: Unlisted[tuple[str, ...]]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Return the counts; None if there are no copies, or an older version did not look."""
        counts = evidence.record.quality.copies
        if not counts.n_train and not counts.n_test:
            return None
        return cls(
            n_train=counts.n_train,
            n_exact_train=counts.n_exact_train,
            n_test=counts.n_test,
            n_exact_test=counts.n_exact_test,
            n_contradictory=counts.n_contradictory,
            together=evidence.record.recipe.duplicates == "together",
            examples=counts.examples,
            lines=tuple(counts.lines()),
        )

    def blocks(self) -> Iterator[Block]:
        for line in self.lines:
            yield Paragraph(f"{line}.", "notice")
        if self.n_train:
            yield Paragraph(
                "Copies were never split between training and validation, so the validation score "
                "does not profit from them."
                if self.together
                else "Copies may be in training and validation at once, so the validation score "
                "may be too good."
            )
        if len(self.examples) > 1:  # a sentence names the first one
            yield Table("Some of the copies", ("Image", "Copy"), self.examples, "ll")

    def summary(self) -> tuple[str, ...]:
        return tuple(f"{line}." for line in self.lines)
