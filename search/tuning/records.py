"""A study and its trials as plain values, the only form in which reports see them."""

import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, final

from search.data.dataset import DatasetInfo
from search.data.quality import DataQuality
from search.metric import Metric
from search.objectives import Objectives
from search.recipe import Recipe
from search.training.history import Confusion, History
from search.training.metrics import TestResult
from search.tuning.after_search import (
    EnsembleRecord,
    Finalist,
    RefitRecord,
    RepeatResult,
    TestSetAccess,
)
from search.tuning.attempts import INTERRUPTED, Attempt, done_indices
from search.tuning.prepared import count_prepared
from search.tuning.samplers import get_sampler
from search.user_metric import get_metric
from spaces import Candidate

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
        mean: The score at E*, the mean over folds; `std` is the standard deviation over folds as
            stored, of the population (n).
        confusion: Counts of the validation images of all folds at E*, for a pruned trial at its
            last epoch; None if that was not kept.
        seconds: Training time, summed over folds.
        fold_epochs: Epochs trained, summed over folds, discarded ones included.
        same_as: The number of the original, if it is a duplicate with the original's result.
        trial_timeout: The limit in seconds that it exceeded, if it did.
        retry: Whether the user asked for it after its index had failed.
        costs: What is traded against the metric, by the cost's name; only with several objectives.
        hosts: The machines of a cluster that it ran on; none where it ran on the coordinator's.
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
    retry: bool = False
    costs: Mapping[str, float] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def fold_deviation(self) -> float | None:
        """The sample standard deviation (n - 1) of the fold scores; None for fewer than two."""
        return statistics.stdev(self.fold_scores) if len(self.fold_scores) > 1 else None

    @property
    def kind(self) -> TrialKind:
        """Return how it ended: its state, or a more specific word."""
        if self.infeasible:
            return "infeasible"
        if self.diverged:
            return "diverged"
        interrupted = self.state == "failed" and self.reason == INTERRUPTED
        return "interrupted" if interrupted else self.state

    def values(self, objectives: Objectives) -> tuple[float, ...]:
        """Return the values of all objectives of a complete trial."""
        return objectives.values(self.mean or 0.0, self.costs)

    def rank(self, objectives: Objectives) -> tuple[bool, float, int]:
        """Return a key that is smallest for the best complete trial, the lowest index on a tie.

        It begins with whether the trial cannot win, as it exceeds a limit of the rule.
        """
        return *objectives.rank(self.values(objectives)), self.plan

    def as_attempt(self) -> Attempt:
        """Return it as an attempt at its index."""
        return Attempt(
            ended=self.state in ("complete", "pruned"),
            failed=self.state == "failed",
            reason=self.reason,
            infeasible=self.infeasible,
            repeats=self.same_as is not None,
            limit=self.trial_timeout,
            retry=self.retry,
        )


@final
@dataclass(frozen=True)
class TrialCost:
    """What a trial took, discarded epochs included: seconds and epochs, summed over its folds."""

    seconds: float
    fold_epochs: int


@final
@dataclass(frozen=True)
class AcceptedChange:
    """Changes of the code between two runs of a study, which the user accepted.

    `n_trials` had ended by then; `changes` has one sentence per change.
    """

    time: datetime
    n_trials: int
    changes: tuple[str, ...]

    def line(self) -> str:
        """Return it in words: when, after how many trials, and what changed."""
        trials = "1 trial" if self.n_trials == 1 else f"{self.n_trials} trials"
        return f"Changed on {self.time:%Y-%m-%d}, after {trials}: {'; '.join(self.changes)}"


@final
@dataclass(frozen=True)
class StudyRecord:
    """A study as stored.

    Attributes:
        refit: The refit of the winner; None until then, and where the protocol has none.
        test: The test result of the winner; None until then.
        repeats: Where the protocol does not refit, the test of every complete trial's network.
        openings: Accesses to the test set, oldest first.
        space_code: What identifies its space; None if an older version stored nothing.
        sampler_code: The code of the user's sampler, if there is one.
        metric_code: The code of the user's metric, likewise.
        helper_code: That of modules that the files of space, sampler and metric import.
        space_effect: What a user's space did when it was stored.
        changes: Accepted changes of the code, oldest first.
        quality: What is known of the images.
        horizon: `trial` and `epochs` of a refit whose schedule is longer than a trial's.
        user_metric: What a user's metric is like; None: the recipe names one of this program.
        finalists: The best trials when they were trained again, best first; empty if none were.
        ensemble: The ensemble as it was tested; None until then, and where there is none.
        nested: The studies that repeat the search on parts of its images.
        n_first: So many candidates that are known to be good the plan was to begin with: the
            hand-tuned one, the best of another study, the portfolio. 0 if that is not stored;
            `n_prepared` is what to ask.
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
    sampler_code: str | None = None
    helper_code: Mapping[str, Mapping[str, str]] | None = None
    space_effect: str | None = None
    changes: tuple[AcceptedChange, ...] = ()
    quality: DataQuality = field(default_factory=DataQuality)
    horizon: Mapping[str, int] | None = None
    user_metric: Metric | None = None
    metric_code: str | None = None
    finalists: tuple[Finalist, ...] = ()
    ensemble: EnsembleRecord | None = None
    nested: tuple[str, ...] = ()
    n_first: int = 0

    @property
    def metric(self) -> Metric:
        """What its trials are scored by."""
        return self.user_metric or get_metric(self.recipe.metric)

    @property
    def objectives(self) -> Objectives:
        """What it optimizes, and the rule by which its winner is chosen."""
        return Objectives.of(self.metric, self.recipe.objective, self.recipe.choose)

    @cached_property
    def n_prepared(self) -> int:
        """How many indices of the plan, from the first, have candidates that were not drawn.

        They are the hand-tuned one, the best of another study, and the portfolio.
        """
        params: dict[int, dict[str, Any]] = {}
        for one in self.trials:
            params[one.plan] = one.params or params.get(one.plan, {})
        return count_prepared(self.recipe, self.n_first, params)

    def refit_horizon(self, trial: TrialRecord) -> int | None:
        """Return the epochs of the refit's schedule of a trial; None if they are a trial's."""
        if self.horizon is None or self.horizon["trial"] != trial.number:
            return None
        return self.horizon["epochs"]

    def refit_schedule(self, trial: TrialRecord) -> int:
        """Return the epochs of the schedule by which a trial is refitted."""
        return self.refit_horizon(trial) or self.recipe.refit_epochs or self.recipe.epochs

    def has_longer_refit(self) -> bool:
        """Return whether winners are retrained by a longer schedule than trials have."""
        return (self.recipe.refit_epochs or 0) > self.recipe.epochs or self.horizon is not None

    def repeatable_recipe(self) -> Recipe:
        """Return the recipe that repeats what was done, whatever the time it takes.

        Where a time budget cut off trials before the last one that ended, it runs those, too.
        """
        changes: dict[str, int | None] = {}
        if self.horizon is not None:
            changes["refit_epochs"] = self.horizon["epochs"]
        if self.recipe.budget is not None:
            last = max(self.done_indices(), default=0)
            longest = {"refit_epochs": self.recipe.epochs, "trials": last + 1}
            changes = {"budget": None} | longest | changes
        return self.recipe.model_copy(update=changes)

    def complete(self) -> list[TrialRecord]:
        """Return the complete trials with a finite loss, best first by the rule for the winner.

        Those beyond its limits come last: they cannot win.
        """
        return ranked(self.trials, self.objectives)

    def winner(self) -> TrialRecord | None:
        """Return the best complete trial, the lowest plan index on a tie, or None.

        Where the best trials were trained again, it is the one with the best mean of those scores.
        """
        chosen = self.best_finalist()
        if chosen is None:
            return best_of(self.trials, self.objectives)
        return next(one for one in self.trials if one.number == chosen.trial)

    def best_different(self, count: int) -> list[TrialRecord]:
        """Return the best complete trials with different candidates, at most `count`."""
        different: dict[Candidate | None, TrialRecord] = {}
        for trial in self.complete():
            different.setdefault(trial.candidate, trial)
        return list(different.values())[:count]

    def current_finalists(self) -> tuple[Finalist, ...]:
        """Return the finalists; none if others are the best trials by now."""
        if not self.finalists:
            return ()
        best = [one.number for one in self.best_different(len(self.finalists))]
        return self.finalists if best == [one.trial for one in self.finalists] else ()

    def best_finalist(self) -> Finalist | None:
        """Return the finalist with the best mean score, the better trial on a tie."""
        means = {one: mean for one in self.current_finalists() if (mean := one.mean()) is not None}
        if not means:
            return None
        best = self.metric.best(means.values())
        return next(one for one, mean in means.items() if mean == best)

    def ensemble_members(self) -> list[TrialRecord]:
        """Return the winner and the next best trials, if they are to form an ensemble."""
        winner, count = self.winner(), self.recipe.ensemble
        if winner is None or count is None:
            return []
        best = self.best_different(count)
        others = [one for one in best if one.candidate != winner.candidate]
        return [winner, *others[: count - 1]] if others else []

    def tested_ensemble(self) -> EnsembleRecord | None:
        """Return the ensemble; None until it is tested, or if others are the best trials by now."""
        found, planned = self.ensemble, {one.number for one in self.ensemble_members()}
        current = found is not None and {*found.trials, *found.left_out} == planned
        return found if current and self.is_tested() else None

    def lacks_ensemble(self) -> bool:
        """Return whether an ensemble is still to be tested."""
        return bool(self.ensemble_members()) and self.tested_ensemble() is None

    def is_tested(self) -> bool:
        """Return whether the present winner, or a replication's networks, have been tested."""
        if not self.recipe.protocol.refits:
            return self.test is not None
        return self.refit is not None and self.winner_is_refitted() and self.test is not None

    def winner_is_refitted(self) -> bool:
        """Return whether any refit is that of the present winner, and of no earlier one."""
        winner, refitted = self.winner(), self.refit
        return refitted is None or (winner is not None and refitted.trial == winner.number)

    def done_indices(self) -> set[int]:
        """Return the indices of the plan that need no further trial."""
        attempts = ((trial.plan, trial.as_attempt()) for trial in self.trials)
        sampler = get_sampler(self.recipe.sampler)
        n_fixed = sampler.n_fixed(with_baseline=self.recipe.with_baseline)
        return done_indices(attempts, self.recipe.trial_timeout, n_fixed)

    def n_done(self) -> int:
        """Return how many indices of the plan need no further trial."""
        return len(self.done_indices())

    def failed_indices(self) -> set[int]:
        """Return the indices of the plan whose trials all failed, and that get no further one."""
        return self.done_indices() - {
            trial.plan for trial in self.trials if trial.state in ("complete", "pruned")
        }

    def has_no_winner(self) -> bool:
        """Return whether everything planned is done, and no trial can win."""
        return self.winner() is None and 0 < self.n_planned() <= self.n_done()

    def n_planned(self) -> int:
        """Return how many indices the plan has; all are stored once a run has ended.

        An older study of a grid may ask for more trials than there are points: these are all there
        are if everything stored is done.
        """
        stored = len({trial.plan for trial in self.trials})
        asked = self.recipe.trials or stored
        is_grid = get_sampler(self.recipe.sampler).enumerates
        return stored if is_grid and 0 < stored < asked and stored == self.n_done() else asked


def ranked(trials: Iterable[TrialRecord], objectives: Objectives) -> list[TrialRecord]:
    """Return the trials that are complete with a finite loss, best first."""
    return sorted(_scored(trials), key=lambda trial: trial.rank(objectives))


def _scored(trials: Iterable[TrialRecord]) -> Iterator[TrialRecord]:
    return (one for one in trials if one.state == "complete" and one.best_epoch is not None)


def best_of(trials: Iterable[TrialRecord], objectives: Objectives) -> TrialRecord | None:
    """Return the trial that wins by the rule, the lowest index on a tie; None if none does."""
    first = min(_scored(trials), key=lambda trial: trial.rank(objectives), default=None)
    allowed = first is not None and objectives.keeps_limits(first.values(objectives))
    return first if allowed else None
