"""The classes that the model is worst at, and what it takes them for. Pure."""

from typing import NamedTuple

from search.training.metrics import TestResult

MOST = 3


class WeakClass(NamedTuple):
    """A class with how many of its `n_images` test images are right.

    `called` is the class it is most often mistaken for and `n_called` how often; None and 0 where
    all are right.
    """

    name: str
    n_images: int
    right: int
    called: str | None
    n_called: int

    @property
    def recall(self) -> float:
        """Return the share that is right; 1 for a class without images."""
        return self.right / self.n_images if self.n_images else 1.0


def weakest_classes(test: TestResult | None) -> tuple[WeakClass, ...]:
    """Return at most three classes whose recall lies below the accuracy, the worst first."""
    if test is None:
        return ()
    classes = [_weak_class(test, i) for i in range(len(test.classes))]
    below = [one for one in classes if one.recall < test.accuracy]
    return tuple(sorted(below, key=lambda one: one.recall)[:MOST])


def _weak_class(test: TestResult, own: int) -> WeakClass:
    row = test.confusion[own]
    wrong = [(count, -j) for j, count in enumerate(row) if j != own and count]
    n_called, j = max(wrong, default=(0, 0))
    called = test.classes[-j].name if n_called else None
    return WeakClass(test.classes[own].name, sum(row), row[own], called, n_called)
