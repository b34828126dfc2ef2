"""Are images copies of one another, so that scores are too good?"""

from collections.abc import Iterator
from typing import Self, final

from search.data.copies import CopyCounts
from search.metric import ACCURACY
from search.report.blocks import Block, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import CERTAIN, Finding, Text, Unlisted
from search.text import count, plural, spread
from search.training.metrics import TestResult


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
    much: Unlisted[bool]  # whether copies could change the test result by more than its interval

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Return the counts; None if there are no copies, or an older version did not look."""
        counts, recipe = evidence.record.quality.copies, evidence.record.recipe
        if not counts.n_train and not counts.n_test:
            return None
        return cls(
            n_train=counts.n_train,
            n_exact_train=counts.n_exact_train,
            n_test=counts.n_test,
            n_exact_test=counts.n_exact_test,
            n_contradictory=counts.n_contradictory,
            together=recipe.duplicates == "together" and recipe.deals_folds,
            examples=counts.examples,
            lines=tuple(_sentences(counts, evidence.record.dataset.n_test)),
            much=_matters(counts, evidence.record.test),
        )

    def blocks(self) -> Iterator[Block]:
        for line in self.lines:
            yield Paragraph(f"{line}.", "notice" if self.much else "plain")
        if self.n_train:
            yield Paragraph(
                "Copies were never split between training and validation, so the validation score "
                "does not profit from them."
                if self.together
                else "Copies may be in training and validation at once, so the validation score "
                "may be too good."
            )
        if len(self.examples) > 1 or self.n_test:  # else a sentence names the only one
            yield Table("Some of the copies", ("Image", "Its copy"), self.examples, "ll")

    def summary(self) -> tuple[str, ...]:
        return tuple(f"{line}." for line in self.lines)


def _sentences(counts: CopyCounts, n_test: int) -> Iterator[str]:
    if counts.n_test:
        are = "is a copy" if counts.n_test == 1 else "are copies"
        near = counts.n_test - counts.n_exact_test
        yield (
            f"{count(counts.n_test)} of {plural(n_test, 'test image')} {are} of training images "
            f"({count(counts.n_exact_test)} exactly, {count(near)} nearly), which can raise the "
            f"test accuracy by {spread(counts.n_test / n_test, ACCURACY)} at most"
        )
    yield from counts.lines_on_training()


def _matters(counts: CopyCounts, test: TestResult | None) -> bool:
    return test is None or counts.n_contradictory > 0 or is_beyond_interval(counts.n_test, test)


def is_beyond_interval(n_copies: int, test: TestResult) -> bool:
    """Return whether copies can move a test accuracy by more than half its interval."""
    low, high = test.interval
    return n_copies / test.n_images > (high - low) / 2
