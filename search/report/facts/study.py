"""What report.json says of a study as it was asked for, and of what it cost. Pure."""

from datetime import datetime
from typing import Annotated, Literal, final

from pydantic import BeforeValidator

from search.report.facts.base import Facts, Number, Text


@final
class ChangeFacts(Facts):
    """Code that changed while the study went on, as the user accepted it."""

    time: datetime
    """When it was accepted, ISO 8601."""
    n_trials: int
    """Trials that had ended by then."""
    changes: tuple[Text, ...]
    """What changed, in a text each."""


@final
class StudyFacts(Facts):
    """What the study is, and how far it has come."""

    name: str
    """The study's name, which is its folder's in the runs folder too."""
    kind: Literal["search", "baseline"]
    """Whether candidates were searched, or the hand-tuned one was reproduced."""
    ended: bool
    """Whether the test set was evaluated, which comes last."""
    missing: str | None
    """In a sentence, what is still missing; null once the study has ended."""
    metric: Literal["accuracy", "loss"]
    """The validation figure by which trials are scored: a fraction, or a loss in nats."""
    validation: str
    """How trials were scored, in words."""
    n_folds: int
    """Folds on which a trial that can win was scored; 1 for holdout."""
    folds_hash: str
    """SHA-256 of the folds' indices."""
    accepted_changes: tuple[ChangeFacts, ...]
    """Changes of the code on the way, oldest first."""


@final
class DatasetFacts(Facts):
    """What the images are."""

    name: str
    """The dataset's name."""
    fingerprint: str
    """SHA-256 of the content."""
    class_names: tuple[str, ...]
    """The classes, in the order of their labels."""
    image_shape: tuple[int, int, int]
    """Channels, height, width in pixels."""
    n_train: int
    """Images to learn from, those of validation folds among them."""
    n_test: int
    """Images of the test set."""


@final
class OpeningFacts(Facts):
    """One opening of the sealed test set."""

    time: datetime
    """When, ISO 8601."""
    purpose: Text
    """What for."""


@final
class CostFacts(Facts):
    """What the trials and the refit took; epochs are counted for every fold."""

    trials: Annotated[dict[str, int], BeforeValidator(dict)]
    """How many candidates became what in the end: complete, pruned, diverged, failed, ..."""
    cut_off: int
    """Attempts that failed or were interrupted, and were begun again."""
    epochs_trained: int
    """Epochs of every plan point's farthest attempt."""
    epochs_in_vain: int
    """Epochs of attempts that were trained again, and of folds past their trial's pruning."""
    epochs_possible: int
    """What the same trials would have taken without pruning, on all folds."""
    search_seconds: Number
    """Seconds in which any trial ran, pauses left out; 0 where that was not stored."""
    trial_seconds: Number
    """Seconds of all trials, added up."""
    refit_seconds: Number
    """Seconds of the refit; null where there is none (yet)."""
