"""A study and its trials as plain values, the only form in which reports see them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, final

from search.data.dataset import DatasetInfo
from search.recipe import Recipe
from search.training.history import Confusion, History
from search.training.metrics import TestResult
from search.tuning.attempts import (
    INTERRUPTED,
    OBSOLETE,
    TIMED_OUT,
    Attempt,
    done_indices,
)
from search.tuning.samplers import get_sampler
from spaces.candidate import Candidate

__all__ = [
    "INTERRUPTED",
    "OBSOLETE",
    "TIMED_OUT",
    "AcceptedChange",
    "RefitRecord",
    "RepeatResult",
    "StudyRecord",
    "TestSetAccess",
    "TrialCost",
    "TrialKind",
    "TrialRecord",
    "TrialStateName",
]

TrialStateName = Literal["waiting", "running", "complete", "pruned", "failed"]
TrialKind = Literal[
    "complete", "pruned", "diverged", "infeasible", "failed", "interrupted", "running", "waiting"
]


@final
@dataclass(frozen=True)
class TrialRecord:
    """One trial as stored.

    `best_epoch`, `fold_scores`, `mean` and `std` are empty until the trial is complete, and where
    it diverged.

    Attributes:
        plan: Its index in the study's plan.
        attempt: How many trials of that index came before it.
        value: The score, or the last report of a pruned trial.
        best_epoch: E*, the epoch at which the mean curve over folds is best.
        mean: The score at E*, the mean over folds; `std` is the standard deviation over folds.
        confusion: Counts of the validation images of all folds at E*, for a pruned trial at its
            last epoch; None where that was not kept.
        seconds: Training time, summed over folds.
        fold_epochs: Epochs trained, summed over folds, discarded ones included.
        same_as: The number of the original, if it is a duplicate with the original's result.
        trial_timeout: The limit in seconds that it exceeded, if it did.
    """

    number: int
    plan: int
    attempt: int
    state: TrialStateName
    params: dict[str, Any]
    candidate: Candidate | None = None
    value: float | None = None
    best_epoch: int | None = None
    fold_scores: tuple[float, ...] = ()
    mean: float | None = None
    std: float | None = None
    history: History = field(default_factory=History)
    confusion: Confusion | None = None
    n_parameters: int | None = None
    seconds: float = 0.0
    fold_epochs: int = 0
    diverged: bool = False
    infeasible: bool = False
    reason: str | None = None
    same_as: int | None = None
    trial_timeout: float | None = None
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def kind(self) -> TrialKind:
        """Return how it ended: its state, or a more telling word where there is one."""
        if self.infeasible:
            return "infeasible"
        if self.diverged:
            return "diverged"
        interrupted = self.state == "failed" and self.reason == INTERRUPTED
        return "interrupted" if interrupted else self.state

    def as_attempt(self) -> Attempt:
        """Return it as an attempt at its index."""
        return Attempt(
            ended=self.state in ("complete", "pruned"),
            failed=self.state == "failed",
            reason=self.reason,
            infeasible=self.infeasible,
            repeats=self.same_as is not None,
            limit=self.trial_timeout,
        )


@final
@dataclass(frozen=True)
class TrialCost:
    """What a trial took, discarded epochs included: seconds and epochs, summed over its folds."""

    seconds: float
    fold_epochs: int


@final
@dataclass(frozen=True)
class TestSetAccess:
    """One access to the sealed test set."""

    __test__ = False  # no test case, whatever its name begins with

    time: datetime
    purpose: str


@final
@dataclass(frozen=True)
class AcceptedChange:
    """Changes of the code between two runs of a study, as the user accepted them.

    `n_trials` had ended by then; `changes` has one text per change.
    """

    time: datetime
    n_trials: int
    changes: tuple[str, ...]

    def line(self) -> str:
        """Return it in words: when, after how many trials, and what."""
        trials = "1 trial" if self.n_trials == 1 else f"{self.n_trials} trials"
        return f"Changed on {self.time:%Y-%m-%d}, after {trials}: {'; '.join(self.changes)}"


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
class RepeatResult:
    """One training of the baseline on the test split: fractions, loss as a mean over images."""

    trial: int
    accuracy: float
    interval: tuple[float, float]
    loss: float


@final
@dataclass(frozen=True)
class StudyRecord:
    """A study as stored.

    Attributes:
        refit: The refit of the winner; None until then, and where the protocol has none.
        test: The test result of the winner; None until then.
        repeats: Where the protocol does not refit, the test of every complete trial's network.
        openings: Accesses to the test set, oldest first.
        space_code: What identifies its space; None where an older version stored nothing.
        changes: Accepted changes of the code, oldest first.
    """

    name: str
    recipe: Recipe
    dataset: DatasetInfo
    folds_hash: str
    versions: dict[str, str]
    hardware: dict[str, str]
    trials: tuple[TrialRecord, ...]
    refit: RefitRecord | None = None
    test: TestResult | None = None
    repeats: tuple[RepeatResult, ...] = ()
    openings: tuple[TestSetAccess, ...] = ()
    space_code: str | None = None
    changes: tuple[AcceptedChange, ...] = ()

    def complete(self) -> list[TrialRecord]:
        """Return the trials that can win: complete, with a score of their own, best first."""
        scored = [t for t in self.trials if t.state == "complete" and t.best_epoch is not None]
        sign = -1.0 if self.recipe.metric == "accuracy" else 1.0
        return sorted(scored, key=lambda t: (sign * (t.mean or 0.0), t.plan))

    def winner(self) -> TrialRecord | None:
        """Return the best complete trial, the lowest plan index on a tie, or None."""
        return next(iter(self.complete()), None)

    def done_indices(self) -> set[int]:
        """Return the indices of the plan that need no further trial."""
        attempts = ((trial.plan, trial.as_attempt()) for trial in self.trials)
        sampler = get_sampler(self.recipe.sampler)
        n_fixed = sampler.n_fixed(with_baseline=self.recipe.with_baseline)
        return done_indices(attempts, self.recipe.trial_timeout, n_fixed)

    def n_done(self) -> int:
        """Return how many indices of the plan need no further trial."""
        return len(self.done_indices())

    def has_no_winner(self) -> bool:
        """Return whether all that is planned is done, and nothing of it can win."""
        planned = self.recipe.trials or len({trial.plan for trial in self.trials})
        return self.winner() is None and 0 < planned <= self.n_done()
