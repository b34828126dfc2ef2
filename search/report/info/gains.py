"""What a model gains over another class by class. Pure."""

from typing import NamedTuple

from search.training.metrics import TestResult


class ClassGain(NamedTuple):
    """How many of a class's `n_images` test images each model gets right."""

    name: str
    n_images: int
    baseline_right: int
    winner_right: int

    @property
    def baseline_recall(self) -> float:
        """Return the baseline's share, 0 for a class without images."""
        return self.baseline_right / max(self.n_images, 1)

    @property
    def winner_recall(self) -> float:
        """Return the winner's share, 0 for a class without images."""
        return self.winner_right / max(self.n_images, 1)

    @property
    def gain(self) -> float:
        """Return the winner's recall less the baseline's."""
        return self.winner_recall - self.baseline_recall


def class_gains(winner: TestResult, baseline: TestResult) -> tuple[ClassGain, ...]:
    """Return one gain a class, the greatest first; both tests are of the same images."""
    gains = [
        ClassGain(one.name, one.support, baseline.confusion[i][i], winner.confusion[i][i])
        for i, one in enumerate(winner.classes)
    ]
    return tuple(sorted(gains, key=lambda gain: -gain.gain))


def all_classes(winner: TestResult, baseline: TestResult) -> ClassGain:
    """Return the gain in all classes together, that is in accuracy."""
    return ClassGain("all classes", winner.n_images, n_right(baseline), n_right(winner))


def n_right(test: TestResult) -> int:
    """Return how many test images are right."""
    return sum(row[i] for i, row in enumerate(test.confusion))
