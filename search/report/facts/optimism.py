"""What report.json says of how far the winner's score flatters it. Pure."""

from typing import Literal, Self, final

from search.metric import Metric
from search.report.facts.base import Facts, Interval, Number
from search.report.info.optimism import OptimismInfo
from search.report.words.optimism import optimism_words


@final
class GapFacts(Facts):
    """The winner's validation accuracy beside its test accuracy; all are fractions."""

    validation: Number
    """Validation accuracy at E*."""
    test: Number
    """Test accuracy."""
    interval: Interval
    """The test accuracy's 95% Wilson interval."""
    place: Literal["within", "above", "below"]
    """Where the validation accuracy lies to that interval."""


@final
class FoldBiasFacts(Facts):
    """The bias of having picked the best, by Tibshirani and Tibshirani (2009)."""

    bias: Number
    """By how much the score flatters: a fraction, or a loss in nats."""
    corrected: Number
    """The score without it."""
    n_folds: int
    """Folds that it was estimated from."""
    n_trials: int
    """Complete trials among which was chosen."""
    n_dropped: int
    """Trials that never had all folds, whose choice is not in it."""


@final
class HoldoutFacts(Facts):
    """What one validation part says, from which that bias cannot be estimated."""

    n_images: int
    """Validation images."""
    interval: Interval
    """95% Wilson interval of the accuracy of a network named beforehand."""
    n_choices: int
    """Trials and epochs among which was chosen."""
    greatest_bias: Number
    """What choosing adds on average at most, a fraction; null where that is not known."""


@final
class OptimismFacts(Facts):
    """How far the winner's validation score flatters it."""

    metric: Metric
    """What the score is."""
    score: Number
    """The winner's score."""
    gap: GapFacts | None
    """Beside the test; null before it."""
    folds: FoldBiasFacts | None
    """With cross-validation."""
    holdout: HoldoutFacts | None
    """Without."""
    words: tuple[str, ...]
    """The same in sentences."""

    @classmethod
    def of(cls, info: OptimismInfo | None) -> Self | None:
        """Return the optimism's facts, None of none."""
        return None if info is None else cls(**info._asdict(), words=optimism_words(info))
