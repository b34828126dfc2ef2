"""The events of a search, and of the refit, test and report that follow it.

To add one: write its class here, list it in `EVENTS`, and emit it. That makes it a line of
`--json`; the console shows it where `search.progress.console` has words for it.
"""

from dataclasses import dataclass
from typing import final

from search.events import Event, Failed, Interrupted, Notice, StepProgress
from search.recipe import Recipe
from search.training.metrics import TestResult
from search.tuning.after_search import RefitRecord
from search.tuning.endings import EndInfo
from search.tuning.plan import PlanInfo
from search.tuning.records import TrialRecord


@final
@dataclass(frozen=True)
class PlanMade(Event):
    """What the run will do, and about how long it takes; the first event of a run.

    `seconds_low` and `seconds_high` are of search and refit, within the timeout; `unknown` says
    why there is no estimate; `rejected` counts points that the space rejected, if there are any.
    """

    kind = "plan"
    plan: PlanInfo

    def fields(self) -> dict[str, object]:
        recipe, data, estimate = self.plan.recipe, self.plan.dataset, self.plan.estimate
        rejected = len(self.plan.rejections)
        return {
            "study": recipe.study_name,
            "space": recipe.space,
            "sampler": recipe.sampler,
            "validation": recipe.validation,
            "racing": recipe.racing,
            "metric": recipe.metric,
            "pruner": recipe.pruner,
            "epochs": recipe.epochs,
            "threads": recipe.threads,
            "device": recipe.device,
            "precision": recipe.precision,
            "folds": recipe.n_folds,
            "dataset": data.name,
            "images": data.n_train,
            "sealed_images": data.n_test,
            "classes": len(data.class_names),
            "shape": data.image_shape,
            "trials": self.plan.n_planned,
            "done": self.plan.n_done,
            "grid": self.plan.n_grid,
            "workers": self.plan.n_workers,
            "disk_needed": self.plan.disk.checkpoints,
            "disk_free": self.plan.disk.free,
            "seconds_low": None if estimate is None else estimate.low,
            "seconds_high": None if estimate is None else estimate.high,
            "unknown": self.plan.unknown,
            **({"rejected": rejected} if rejected else {}),
            **({"objective": recipe.objective} if recipe.objective else {}),
        }


@final
@dataclass(frozen=True)
class StudyOpened(Event):
    """The search starts or resumes; `ended` are the trials that ended in earlier runs."""

    kind = "search"
    totals = ("trials", "done")
    recipe: Recipe
    n_planned: int
    ended: tuple[TrialRecord, ...]

    def fields(self) -> dict[str, object]:
        return {}


@final
@dataclass(frozen=True)
class PlanExtended(Event):
    """A time budget has time left, so that more trials are planned: so many in all."""

    kind = "plan_extended"
    totals = ("trials", "done")
    n_planned: int

    def fields(self) -> dict[str, object]:
        return {}


@final
@dataclass(frozen=True)
class TrialStarted(Event):
    """A trial, or a further fold of it, started in a `slot`; `index` is its index in the plan."""

    kind = "trial_started"
    number: int
    index: int
    slot: int

    def fields(self) -> dict[str, object]:
        """Return trial, index ("plan") and slot."""
        return {"trial": self.number, "plan": self.index, "slot": self.slot}


@final
@dataclass(frozen=True)
class TrialPlaced(Event):
    """A trial, or a further fold of it, runs on this machine of a cluster."""

    kind = "trial_placed"
    number: int
    host: str

    def fields(self) -> dict[str, object]:
        return {"trial": self.number, "host": self.host}


@final
@dataclass(frozen=True)
class WorkersChanged(Event):
    """Workers of a cluster came or left: how many trainings could run at once, and can now."""

    kind = "workers"
    before: int
    n_workers: int

    def fields(self) -> dict[str, object]:
        return {"workers": self.n_workers, "before": self.before}


@final
@dataclass(frozen=True)
class EpochEnded(Event):
    """A trial finished an epoch; `score` is the mean validation figure over its folds."""

    kind = "epoch"
    number: int
    epoch: int
    score: float

    def fields(self) -> dict[str, object]:
        return {"trial": self.number, "epoch": self.epoch, "score": self.score}


@final
@dataclass(frozen=True)
class TrialWaiting(Event):
    """A trial has trained the folds it earned so far and waits for its rivals in the race."""

    kind = "trial_waiting"
    number: int

    def fields(self) -> dict[str, object]:
        return {"trial": self.number}


@final
@dataclass(frozen=True)
class TrialPaused(Event):
    """A trial has reached a rung and pauses until the others have, too."""

    kind = "trial_paused"
    number: int
    epoch: int

    def fields(self) -> dict[str, object]:
        return {"trial": self.number, "epoch": self.epoch}


@final
@dataclass(frozen=True)
class FoldsEarned(Event):
    """These trials, best first, earned `n_folds` of all `of` folds in a race."""

    kind = "folds_earned"
    numbers: tuple[int, ...]
    n_folds: int
    of: int

    def fields(self) -> dict[str, object]:
        return {"trials": self.numbers, "folds": self.n_folds, "of": self.of}


@final
@dataclass(frozen=True)
class Stopping(Event):
    """A stop was requested; `n_training` trainings finish their epoch first."""

    kind = "stopping"
    n_training: int

    def fields(self) -> dict[str, object]:
        return {"training": self.n_training}


@final
@dataclass(frozen=True)
class TrialEnded(Event):
    """A trial ended, in any way."""

    kind = "trial_ended"
    totals = ("done", "trials", "best")
    trial: TrialRecord

    def fields(self) -> dict[str, object]:
        trial, candidate = self.trial, self.trial.candidate
        fields: dict[str, object] = {
            "trial": trial.number,
            "plan": trial.plan,
            "attempt": trial.attempt,
            "kind": trial.kind,
            "score": trial.value if trial.mean is None else trial.mean,
            "std": trial.std,
            "fold_scores": trial.fold_scores,
            "best_epoch": trial.best_epoch,
            "epochs": len(trial.history.epochs),
            "parameters": trial.n_parameters,
            "seconds": trial.seconds,
            "candidate": None if candidate is None else candidate.model_dump(mode="json"),
            "same_as": trial.same_as,
            "reason": trial.reason,
        }
        extra: dict[str, object] = {"costs": dict(trial.costs)} if trial.costs else {}
        return fields | extra | ({"hosts": trial.hosts} if trial.hosts else {})


@final
@dataclass(frozen=True)
class SearchEnded(Event):
    """No further trial will start in this run."""

    kind = "search_ended"
    totals = ("best",)

    def fields(self) -> dict[str, object]:
        return {}


@final
@dataclass(frozen=True)
class WinnerRefitted(Event):
    """The winner was trained on all folds together."""

    kind = "refit"
    refit: RefitRecord

    def fields(self) -> dict[str, object]:
        refit = self.refit
        return {"trial": refit.trial, "epochs": refit.epochs, "seconds": refit.seconds}


@final
@dataclass(frozen=True)
class WinnerTested(Event):
    """The winner's test result; `n_openings`: how often the study has opened the test set."""

    kind = "test"
    test: TestResult
    n_openings: int

    def fields(self) -> dict[str, object]:
        rest = {"loss": self.test.loss, "images": self.test.n_images, "openings": self.n_openings}
        return _figures(self.test) | rest


@final
@dataclass(frozen=True)
class BaselineTested(Event):
    """The stored test result of the hand-tuned network on the same images."""

    kind = "baseline"
    study_name: str
    test: TestResult

    def fields(self) -> dict[str, object]:
        return {"study": self.study_name} | _figures(self.test)


@final
@dataclass(frozen=True)
class ReportWritten(Event):
    """The paths of the exported model's folder and of the report's page."""

    kind = "report"
    model: str
    page: str

    def fields(self) -> dict[str, object]:
        return {"model": self.model, "page": self.page}


@final
@dataclass(frozen=True)
class RunEnded(Event):
    """The run ended: "done", "timeout" or "interrupted"; `winner` is a trial's number."""

    kind = "ended"
    end: EndInfo
    winner: int | None

    def fields(self) -> dict[str, object]:
        end = self.end
        return {
            "reason": end.reason,
            "done": end.done,
            "trials": end.planned,
            "failed": end.failed,
            "winner": self.winner,
        }


EVENTS: tuple[type[Event], ...] = (
    PlanMade,
    StudyOpened,
    PlanExtended,
    TrialStarted,
    TrialPlaced,
    WorkersChanged,
    EpochEnded,
    TrialWaiting,
    TrialPaused,
    FoldsEarned,
    TrialEnded,
    Notice,
    StepProgress,
    Stopping,
    SearchEnded,
    WinnerRefitted,
    WinnerTested,
    BaselineTested,
    ReportWritten,
    RunEnded,
    Interrupted,
    Failed,
)
"""Every event, in the order in which a run meets them first."""


def _figures(test: TestResult) -> dict[str, object]:
    """Return accuracy with interval, every metric by name, and the largest class's share."""
    low, high = test.interval
    return {
        "accuracy": test.accuracy,
        "low": low,
        "high": high,
        "metrics": {one.metric: one.value for one in test.measures},
        "largest_class": test.largest_class().share,
    }
