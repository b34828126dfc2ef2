"""What report.json says of the refit, the learning curves and the test-set accesses. Pure."""

from datetime import datetime
from typing import final

from search.report.facts.base import Facts, Number, Text


@final
class OpeningFacts(Facts):
    """One opening of the sealed test set."""

    time: datetime
    """When, ISO 8601."""
    purpose: Text
    """What for."""


@final
class RefitFacts(Facts):
    """The winner trained anew on all folds together."""

    trial: int
    """The winner's number."""
    epochs: int
    """Epochs trained, which is the winner's E*."""
    seconds: Number
    """Seconds that it took."""
    threads: int
    """Threads that it had."""


@final
class CurveFacts(Facts):
    """Figures after each epoch, the first epoch's first."""

    accuracy: tuple[Number, ...]
    """Accuracies, fractions."""
    loss: tuple[Number, ...]
    """Losses, in nats."""
    drops: tuple[int, ...]
    """Epochs (from 1) after which a plateau schedule lowered the rate."""


@final
class LearningCurvesFacts(Facts):
    """The winner's curves over its folds, or those of all trainings of a reproduced baseline."""

    trial: int
    """The winner's number."""
    repeats: bool
    """Whether the parts are the trainings of a baseline rather than the winner's folds."""
    parts: tuple[CurveFacts, ...]
    """Validation, one curve a fold or training."""
    mean: CurveFacts
    """Validation, the mean over the parts."""
    training: CurveFacts
    """Training, the mean over the parts."""
    refit: CurveFacts | None
    """Training of the refit."""
    best_epoch: int | None
    """E*; null where the last epoch counts."""
    drops: tuple[int, ...]
    """Epochs (from 1) after which the median rate fell."""
