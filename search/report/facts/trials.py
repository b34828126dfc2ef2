"""What report.json says of each trial. Pure."""

from typing import Self, final

from search.metric import Metric
from search.report.facts.base import Facts, LocalTime, Number, Settings, Text
from search.report.trials import trial_score
from search.tuning.records import TrialKind, TrialRecord
from spaces.candidate import Candidate
from spaces.describe import describe_candidate


@final
class CandidateFacts(Facts):
    """A complete description of one training."""

    words: str
    """The candidate in words."""
    settings: Settings
    """Model, optimizer, schedule and training, exactly."""

    @classmethod
    def of(cls, candidate: Candidate | None) -> Self | None:
        """Return a candidate's facts, None of none."""
        if candidate is None:
            return None
        settings = candidate.model_dump(mode="json")
        return cls(words=describe_candidate(candidate), settings=settings)


@final
class TrialFacts(Facts):
    """One trial; what it has not (yet) is null or empty."""

    number: int
    """Its number in the storage."""
    plan: int
    """Its index in the study's plan; a trial that is run again keeps it."""
    attempt: int
    """How often the plan's point had been tried before."""
    state: TrialKind
    """What became of it."""
    value: Number
    """Its score, the mean over folds at E*; of a pruned trial the last report."""
    std: Number
    """Standard deviation of its fold scores (of the population)."""
    fold_scores: tuple[Number, ...]
    """The score on each fold at E*: fractions for accuracy, nats for loss."""
    best_epoch: int | None
    """E*, the epoch (from 1) at which the mean over folds is best."""
    curve: tuple[Number, ...]
    """The mean over the folds that it has after each epoch, in the unit of the score."""
    epochs: int
    """Epochs trained by its folds together."""
    fold_epochs: int
    """Epochs trained, those of every fold counted, in vain or not."""
    seconds: Number
    """Seconds that it trained."""
    n_parameters: int | None
    """Trainable parameters of the network."""
    parameters: Settings
    """The values that the sampler chose, by name."""
    candidate: CandidateFacts | None
    """What was trained."""
    reason: Text | None
    """Why it ended as it did, where that is known."""
    same_as: int | None
    """The earlier trial of the same candidate, whose result it has."""
    started: LocalTime | None
    """When it started, ISO 8601, in the local time of the machine."""
    finished: LocalTime | None
    """When it ended, likewise."""

    @classmethod
    def of(cls, trial: TrialRecord, metric: Metric) -> Self:
        """Return a trial's facts."""
        epochs = trial.history
        return cls(
            **{name: getattr(trial, name) for name in _KEPT},
            state=trial.kind,
            value=trial_score(trial),
            curve=epochs.mean_curve(metric),
            epochs=len(epochs.epochs),
            # older studies store the history alone
            fold_epochs=max(trial.fold_epochs, epochs.fold_epochs()),
            parameters=trial.params,
            candidate=CandidateFacts.of(trial.candidate),
        )


_KEPT = (
    "number", "plan", "attempt", "std", "fold_scores", "best_epoch", "seconds", "n_parameters",
    "reason", "same_as", "started", "finished",
)  # fmt: skip
