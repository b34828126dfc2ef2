"""What report.json says of baselines: their trainings, and one beside the winner. Pure."""

from typing import Self, final

from search.metric import Metric
from search.report.facts.base import Facts, Interval, Number
from search.report.findings.winner import ChangedSetting
from search.report.info.versus import VersusInfo


@final
class RepeatFiguresFacts(Facts):
    """Figures of one training or of several: fractions and nats; null where not measured."""

    validation_loss: Number
    """Validation loss."""
    validation_accuracy: Number
    """Validation accuracy."""
    test_loss: Number
    """Test loss, a mean over images."""
    test_accuracy: Number
    """Test accuracy."""


@final
class RepeatFacts(Facts):
    """One training of a baseline study."""

    trial: int
    """Its number."""
    figures: RepeatFiguresFacts
    """What was measured of it."""
    interval: Interval | None
    """95% Wilson interval of its test accuracy."""


@final
class RepeatsFacts(Facts):
    """The complete trainings of a baseline study."""

    rows: tuple[RepeatFacts, ...]
    """One a training, in the plan's order."""
    mean: RepeatFiguresFacts
    """Their means."""
    std: RepeatFiguresFacts | None
    """Their sample standard deviations (n - 1); null of a single training."""
    others: tuple[str, ...]
    """What became of trainings that ended otherwise."""


@final
class ReportedFacts(Facts):
    """A figure of the hand-tuned report and ours."""

    name: str
    """Which."""
    metric: Metric
    """Whether it is an accuracy (a fraction) or a loss (in nats)."""
    reported: Number
    """The report's."""
    ours: Number
    """The mean of our trainings."""
    deviation: Number
    """Their sample standard deviation (n - 1)."""
    trainings: int
    """How many they are."""
    difference: Number
    """Ours less the report's."""
    tolerance: Number
    """What the report's rounding and twice the deviation allow."""
    within: bool | None
    """Whether the difference is at most that; null where the two cannot be compared."""


@final
class GainFacts(Facts):
    """Winner and baseline on the test images of a class, or of all."""

    name: str
    """The class."""
    n_images: int
    """Its test images."""
    baseline_right: int
    """Those that the baseline gets right."""
    winner_right: int
    """Those that the winner gets right."""
    gain: Number
    """The winner's share less the baseline's, a fraction."""


@final
class PairedFacts(Facts):
    """Winner (first) against baseline (second), image by image."""

    n_images: int
    """Test images."""
    only_first: int
    """Images that the winner alone gets right."""
    only_second: int
    """Images that the baseline alone gets right."""
    difference: Number
    """The winner's accuracy less the baseline's, a fraction."""
    interval: Interval
    """Its 95% Wald interval for paired proportions."""
    p_value: Number
    """McNemar's exact test, two-sided."""


@final
class VersusFacts(Facts):
    """The winner beside a baseline study of the same data."""

    study: str
    """The baseline study."""
    protocol: str
    """How it was trained and tested, in words."""
    trial: int
    """The trial whose exported model is compared."""
    n_trained: tuple[int, int]
    """Training images of the winner and of the baseline."""
    repeats: int
    """How often the baseline was trained."""
    mean: Number
    """Mean test accuracy of these trainings, a fraction; null where it was refitted."""
    std: Number
    """Their sample standard deviation (n - 1)."""
    accuracy: Number
    """Test accuracy of the compared model."""
    interval: Interval
    """Its 95% Wilson interval."""
    overall: GainFacts
    """All classes together."""
    paired: PairedFacts | None
    """The comparison image by image; null where predictions were not kept."""
    gains: tuple[GainFacts, ...]
    """One a class, the greatest gain first."""
    changes: tuple[ChangedSetting, ...]
    """In what the winner's candidate differs."""

    @classmethod
    def of(cls, versus: VersusInfo | None) -> Self | None:
        """Return the comparison's facts, None of none."""
        if versus is None:
            return None
        kept = ("study", "protocol", "trial", "n_trained", "repeats", "mean", "std")
        return cls(
            accuracy=versus.baseline.accuracy,
            interval=versus.baseline.interval,
            changes=tuple(
                ChangedSetting(setting=n, baseline=a, winner=b) for n, a, b in versus.changes
            ),
            gains=versus.gains,
            overall=versus.overall,
            paired=versus.paired,
            **{name: getattr(versus, name) for name in kept},
        )
