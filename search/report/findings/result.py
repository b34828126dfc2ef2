"""How good is the final model on the test images, and how often were they used?"""

from collections.abc import Iterator
from datetime import datetime
from typing import Self, final

from search.metric import ACCURACY, LOSS
from search.report.blocks import Block, Bullets, Columns, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import (
    CERTAIN,
    FAILURES,
    GOOD,
    Excerpt,
    Finding,
    Number,
    ReportPart,
    Text,
    Unlisted,
)
from search.report.findings.optimism import Optimism
from search.report.findings.winner import Winner
from search.text import count, interval, moment, percent, plural, score, times
from search.training.metrics import TestResult, always_right
from search.tuning.records import StudyRecord


@final
class ClassMeasures(ReportPart):
    """One class on the test images; shares are fractions."""

    name: str
    """The class."""
    precision: Number
    """Share of the images predicted as this class that belong to it."""
    recall: Number
    """Share of its images that are predicted correctly."""
    f1: Number
    """Harmonic mean of both."""
    support: int
    """Its test images."""


@final
class Mistake(ReportPart):
    """A test image that the model got wrong."""

    index: int
    """Its place in the test set, from 0."""
    true_class: int
    """Its class, an index of the dataset's class names."""
    predicted_class: int
    """The predicted class, likewise."""
    probability: Number
    """The probability that the model gave the predicted class."""


@final
class Result(Finding):
    """The final model on the test images."""

    key = "test"
    section = GOOD

    accuracy: Number
    """Share of the images that are predicted correctly."""
    interval: tuple[float, float]
    """The accuracy's 95% Wilson interval."""
    loss: Number
    """Mean loss over images, in nats."""
    n_images: int
    """Test images."""
    classes: tuple[ClassMeasures, ...]
    """One for each class, in the order of the labels."""
    confusion: tuple[tuple[int, ...], ...]
    """confusion[i][j] counts images of class i that were predicted as j."""
    confused_pairs: tuple[tuple[str, str, int], ...]
    """True class, predicted class, images; the most frequent first."""
    mistakes: tuple[Mistake, ...]
    """The most confident mistakes, the most confident first."""
    test: Unlisted[TestResult]
    record: Unlisted[StudyRecord]
    winner: Unlisted[Winner | None]
    gap: Unlisted[str] = ""  # between validation and test, in words

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the test result; None before the test."""
        test = evidence.record.test
        if test is None:
            return None
        optimism = evidence.once(Optimism.of)
        return cls(
            accuracy=test.accuracy,
            interval=test.interval,
            loss=test.loss,
            n_images=test.n_images,
            classes=tuple(map(ClassMeasures.model_validate, test.classes)),
            confusion=test.confusion,
            confused_pairs=test.confused_pairs,
            mistakes=tuple(map(Mistake.model_validate, test.mistakes)),
            test=test,
            record=evidence.record,
            winner=evidence.once(Winner.of),
            gap="" if optimism is None else optimism.gap_words,
        )

    def blocks(self) -> Iterator[Block]:
        correct = (
            f"{percent(self.test.accuracy, 2)} of {count(self.n_images)} images are correct "
            f"(95% Wilson interval {interval(self.interval)})"
        )
        majority = self.test.majority()
        if majority is not None:
            correct += f"; {always_right(majority)}"
        refitted = self.record.recipe.protocol.refits
        if refitted:
            tested = f"{self._tested()} tested after all decisions of this study: {correct}."
            yield Columns((Paragraph(tested), self._validation_and_test()))
            if self.gap:
                yield Paragraph(self.gap, "quiet")
            return
        exported = ""
        if self.winner is not None and len(self.record.complete()) > 1:
            exported = f" The exported network is that of trial {self.winner.trial}."
        yield Paragraph(f"The test set was evaluated after the last training: {correct}.{exported}")

    def _tested(self) -> str:
        """Which network it is: not the one whose validation score won."""
        refit = self.record.refit
        if refit is None:
            return "The winner was"
        return (
            f"A network with the settings of trial {refit.trial} was trained again on all "
            f"{count(self.record.dataset.n_train)} training images for "
            f"{plural(refit.epochs, 'epoch')}, saved, and"
        )

    def _validation_and_test(self) -> Table:
        folds = ", mean over folds" if self.record.recipe.n_folds > 1 else ""
        metric = self.record.metric
        rows: list[tuple[str, float | None, float | None]] = []
        won = self.winner
        if won is not None:
            where = "" if won.again is None else " in the search"
            rows.append((f"validation{where}{folds} at E*", won.accuracy, won.loss))
        if won is not None and won.again is not None and metric in (ACCURACY, LOSS):
            own = (won.again, None) if metric is ACCURACY else (None, won.again)
            rows.append((f"validation, mean of {plural(won.n_again, 'further training')}", *own))
        rows.append(("test, after the refit", self.accuracy, self.loss))
        return Table(
            caption="Validation and test",
            header=("Measured on", "Accuracy", "Loss"),
            rows=tuple((name, score(a, ACCURACY), score(b, LOSS)) for name, a, b in rows),
            align="lrr",
        )


@final
class Classes(Excerpt):
    """Precision, recall and F1 of each class, the lowest recall first."""

    key = "test.classes"
    section = FAILURES
    title = "By class"
    folded = True

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        test = evidence.record.test
        if test is None:
            return None
        rows = (
            (
                one.name,
                percent(one.precision),
                percent(one.recall),
                percent(one.f1),
                count(one.support),
            )
            for one in sorted(test.classes, key=lambda one: one.recall)
        )
        table = Table(
            caption="Precision, recall and F1 of each class on the test images, "
            "the lowest recall first",
            header=("Class", "Precision", "Recall", "F1", "Images"),
            rows=tuple(rows),
            align="lrrrr",
        )
        return cls(content=(table,))


@final
class ConfusedPairs(Excerpt):
    """Which classes are confused most often."""

    key = "test.confused_pairs"
    section = FAILURES
    title = "Most confused"
    folded = True

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        test = evidence.record.test
        if test is None or not test.confused_pairs:
            return None
        pairs = ((actual, predicted, count(n)) for actual, predicted, n in test.confused_pairs)
        table = Table(
            caption="Pairs of classes that are confused most often",
            header=("True class", "Predicted", "Images"),
            rows=tuple(pairs),
            align="llr",
        )
        return cls(content=(table,))


@final
class Access(ReportPart):
    """One access to the sealed test set."""

    time: datetime
    """Its time, ISO 8601."""
    purpose: Text
    """Its purpose."""


@final
class TestSetAccess(Finding):
    """Every access to the test set, in order."""

    __test__ = False  # not a test case, despite its name

    key = "openings"
    section = CERTAIN
    title = "Test-set access"
    listed = "accesses"
    folded = True

    accesses: tuple[Access, ...]
    """The accesses in order of time."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        return cls(accesses=tuple(map(Access.model_validate, evidence.record.openings)))

    def blocks(self) -> Iterator[Block]:
        number = len(self.accesses)
        words = f"opened the test set {times(number)}" if number else "has not opened the test set"
        yield Paragraph(f"This study {words}.")
        if len(self.accesses) > 1:
            yield Paragraph(
                "Only the first test result is unbiased. If anything was changed after it, later "
                "results are optimistic.",
                "notice",
            )
        if self.accesses:
            yield Bullets(tuple(f"{moment(one.time)}: {one.purpose}" for one in self.accesses))
