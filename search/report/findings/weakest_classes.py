"""Which classes is the model worst at, and what does it take them for?"""

from collections.abc import Iterator
from typing import Self, final

from search.report.evidence import Evidence
from search.report.findings.base import FAILURES, Finding
from search.report.findings.blocks import Block, Paragraph
from search.report.parts import ReportPart
from search.text import count, percent, plural
from search.training.metrics import TestResult

MOST = 3


@final
class WeakClass(ReportPart):
    """One of the classes that the model is worst at."""

    name: str
    """The class."""
    n_images: int
    """Its test images."""
    right: int
    """Those predicted correctly."""
    called: str | None
    """The class it is most often mistaken for; null where all are correct."""
    n_called: int
    """How often."""

    @property
    def recall(self) -> float:
        """The share that is correct; 1 for a class without images."""
        return self.right / self.n_images if self.n_images else 1.0


@final
class WeakestClasses(Finding):
    """The classes that the model is worst at, the worst first."""

    key = "weakest_classes"
    section = FAILURES
    listed = "classes"
    brief = True

    classes: tuple[WeakClass, ...]
    """At most three classes whose recall is below the accuracy, the worst first."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Look at the test's confusion matrix; None before the test, and where none is weak."""
        test = evidence.record.test
        if test is None:
            return None
        classes = [_weak_class(test, i) for i in range(len(test.classes))]
        below = sorted((c for c in classes if c.recall < test.accuracy), key=lambda c: c.recall)
        return cls(classes=tuple(below[:MOST])) if below else None

    def blocks(self) -> Iterator[Block]:
        """Yield one sentence."""
        noun = "class" if len(self.classes) == 1 else "classes"
        yield Paragraph(f"Weakest {noun}: {', '.join(map(_words, self.classes))}.")


def _weak_class(test: TestResult, own: int) -> WeakClass:
    row = test.confusion[own]
    wrong = [(count, -j) for j, count in enumerate(row) if j != own and count]
    n_called, j = max(wrong, default=(0, 0))
    return WeakClass(
        name=test.classes[own].name,
        n_images=sum(row),
        right=row[own],
        called=test.classes[-j].name if n_called else None,
        n_called=n_called,
    )


def _words(one: WeakClass) -> str:
    correct = f"{percent(one.recall)} of {plural(one.n_images, 'image')} correct"
    called = "" if one.called is None else f"; {count(one.n_called)} predicted as {one.called}"
    return f"{one.name} ({correct}{called})"
