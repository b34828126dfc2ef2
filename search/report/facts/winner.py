"""What report.json says of the winner: its scores, its refit and its curves. Pure."""

from typing import Self, final

from search.report.facts.base import Facts, Number
from search.report.facts.trials import CandidateFacts
from search.report.info.winner import WinnerInfo
from spaces.candidate import Candidate


@final
class ChangedSetting(Facts):
    """A setting in which the winner differs from the hand-tuned candidate."""

    setting: str
    """Which, as part.name."""
    baseline: str
    """The hand-tuned value."""
    winner: str
    """The winner's value."""

    @classmethod
    def each(cls, changes: tuple[tuple[str, str, str], ...]) -> tuple[Self, ...]:
        """Return one a change of (setting, before, after)."""
        return tuple(cls(setting=name, baseline=old, winner=new) for name, old, new in changes)


@final
class WinnerFacts(Facts):
    """The best complete trial, by its validation figures at E*."""

    trial: int
    """Its number."""
    candidate: CandidateFacts | None
    """What was trained."""
    n_parameters: int | None
    """Trainable parameters of the network."""
    best_epoch: int
    """E*, the epoch (from 1) at which the mean over folds is best."""
    fold_scores: tuple[Number, ...]
    """The score on each fold: fractions for accuracy, nats for loss."""
    mean: Number
    """Their mean, by which it won."""
    std: Number
    """Their standard deviation (of the population)."""
    accuracy: Number
    """Mean validation accuracy, a fraction."""
    loss: Number
    """Mean validation loss, in nats."""
    seconds: Number
    """Seconds that it trained."""
    changes: tuple[ChangedSetting, ...]
    """In what it differs from the hand-tuned candidate within the search."""

    @classmethod
    def of(cls, winner: WinnerInfo, candidate: Candidate | None) -> Self:
        """Return the winner's facts."""
        kept = ("n_parameters", "best_epoch", "fold_scores", "mean", "std")
        more = ("accuracy", "loss", "seconds")
        return cls(
            trial=winner.number,
            candidate=CandidateFacts.of(candidate),
            changes=ChangedSetting.each(winner.changes),
            **{name: getattr(winner, name) for name in (*kept, *more)},
        )


@final
class SearchBaselineFacts(Facts):
    """The hand-tuned candidate's trial within the search."""

    number: int
    """Its number."""
    mean: Number
    """Its score; null where it did not complete."""
    outcome: str
    """How it compares with the winner, in words."""


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
