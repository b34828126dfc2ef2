"""What is stored of what follows a search: finalists, refit, test and ensemble, as plain values."""

import statistics
from dataclasses import dataclass
from datetime import datetime
from typing import final

from search.training.history import History
from search.training.metrics import TestResult


@final
@dataclass(frozen=True)
class TestSetAccess:
    """One access to the sealed test set."""

    __test__ = False  # not a test case, despite its name

    time: datetime
    purpose: str


@final
@dataclass(frozen=True)
class RefitRecord:
    """The winner trained on all folds together for E* epochs."""

    trial: int
    epochs: int
    history: History
    seconds: float
    threads: int


@final
@dataclass(frozen=True)
class Finalist:
    """A trial that was trained again, on the same folds with other seeds, to choose the winner.

    Attributes:
        trial: Its number.
        scores: The score of each repeat; None where it diverged.
    """

    trial: int
    scores: tuple[float | None, ...]

    def mean(self) -> float | None:
        """Return the mean score; None if a repeat diverged."""
        known = [score for score in self.scores if score is not None]
        return statistics.fmean(known) if len(known) == len(self.scores) else None


@final
@dataclass(frozen=True)
class RepeatResult:
    """A training of the baseline, or one network of an ensemble, on the test split: fractions."""

    trial: int
    accuracy: float
    interval: tuple[float, float]
    loss: float


@final
@dataclass(frozen=True)
class EnsembleRecord:
    """The mean of several networks' probabilities, tested in the same opening as the winner.

    Attributes:
        trials: The trials whose networks are averaged, the winner's first.
        left_out: Those that were to be, but whose refit diverged.
        test: The test result.
        members: Each network's own result, in the order of `trials`.
        both: Test images that the ensemble and the winner alone predict correctly.
        only_ensemble: Those that only the ensemble does.
        only_winner: Those that only the winner does.
        agreeing: Those for which all networks name the same class.
    """

    trials: tuple[int, ...]
    left_out: tuple[int, ...]
    test: TestResult
    members: tuple[RepeatResult, ...]
    both: int
    only_ensemble: int
    only_winner: int
    agreeing: int
