"""A watcher of a run that writes everything as events; `events.py` lists their fields."""

from typing import final

from search.progress.events import EventWriter
from search.progress.state import SearchProgress
from search.recipe import Recipe
from search.tuning.outcome import EndInfo
from search.tuning.plan import PlanInfo
from search.tuning.records import StudyRecord, TrialRecord

_OF_RECIPE = (
    "space",
    "sampler",
    "validation",
    "racing",
    "metric",
    "pruner",
    "epochs",
    "threads",
    "device",
    "precision",
)


@final
class EventLog:
    """A StudyObserver for scripts."""

    def __init__(self, writer: EventWriter) -> None:
        self._write = writer.write
        self._search: SearchProgress | None = None

    def notice(self, text: str) -> None:
        """Write it."""
        self._write("notice", text=text)

    def progress(self, description: str, done: int, total: int) -> None:
        """Write it."""
        self._write("progress", step=description, done=done, total=total)

    def planned(self, plan: PlanInfo) -> None:
        """Write the plan with its estimate."""
        recipe, data, estimate = plan.recipe, plan.dataset, plan.estimate
        self._write(
            "plan",
            study=recipe.study_name,
            **{name: getattr(recipe, name) for name in _OF_RECIPE},
            folds=recipe.n_folds,
            dataset=data.name,
            images=data.n_train,
            sealed_images=data.n_test,
            classes=len(data.class_names),
            shape=data.image_shape,
            trials=plan.n_planned,
            done=plan.n_done,
            grid=plan.n_grid,
            workers=plan.n_workers,
            disk_needed=plan.disk.checkpoints,
            disk_free=plan.disk.free,
            seconds_low=None if estimate is None else estimate.low,
            seconds_high=None if estimate is None else estimate.high,
            unknown=plan.unknown,
        )

    def study_opened(self, recipe: Recipe, n_planned: int, done: list[TrialRecord]) -> None:
        """Begin to count."""
        self._search = SearchProgress(recipe, n_planned)
        for trial in done:
            self._search.earlier(trial)
        self._write("search", trials=n_planned, done=self._search.done())

    def trial_started(self, number: int, plan: int, slot: int) -> None:
        """Write it."""
        self._write("trial_started", trial=number, plan=plan, slot=slot)

    def epoch_ended(self, number: int, epoch: int, score: float) -> None:
        """Write it."""
        self._write("epoch", trial=number, epoch=epoch, score=score)

    def trial_waiting(self, number: int) -> None:
        """Write it."""
        self._write("trial_waiting", trial=number)

    def folds_earned(self, numbers: list[int], n_folds: int, of: int) -> None:
        """Write it."""
        self._write("folds_earned", trials=numbers, folds=n_folds, of=of)

    def stopping(self, n_training: int) -> None:
        """Write it."""
        self._write("stopping", training=n_training)

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write how it ended, and how far the search is."""
        search = self._search
        if search is None:
            return
        search.ended(trial)
        candidate = trial.candidate
        self._write(
            "trial_ended",
            trial=trial.number,
            plan=trial.plan,
            attempt=trial.attempt,
            kind=trial.kind,
            score=trial.value if trial.mean is None else trial.mean,
            std=trial.std,
            fold_scores=trial.fold_scores,
            best_epoch=trial.best_epoch,
            epochs=len(trial.history.epochs),
            parameters=trial.n_parameters,
            seconds=trial.seconds,
            candidate=None if candidate is None else candidate.model_dump(mode="json"),
            same_as=trial.same_as,
            reason=trial.reason,
            done=search.done(),
            trials=search.n_planned,
            best=_best(search),
        )

    def search_ended(self) -> None:
        """Write it."""
        self._write("search_ended", best=None if self._search is None else _best(self._search))
        self._search = None

    def result(self, record: StudyRecord, baseline: StudyRecord | None) -> None:
        """Write the refit, the test and the baseline's test, as far as there are any."""
        refit, test = record.refit, record.test
        if refit is not None:
            epochs, seconds = refit.epochs, refit.seconds
            self._write("refit", trial=refit.trial, epochs=epochs, seconds=seconds)
        if test is not None:
            figures = {"loss": test.loss, "images": test.n_images, "openings": len(record.openings)}
            self._write("test", **_accuracy(record), **figures)
        if baseline is not None and baseline.test is not None:
            self._write("baseline", study=baseline.name, **_accuracy(baseline))

    def files(self, model: str, page: str) -> None:
        """Write where they lie."""
        self._write("report", model=model, page=page)

    def ended(self, record: StudyRecord, end: EndInfo) -> None:
        """Write what ended the run."""
        winner = record.winner()
        number = None if winner is None else winner.number
        self._write("ended", reason=end.reason, done=end.done, trials=end.planned, winner=number)


def _best(search: SearchProgress) -> int | None:
    """Return the number of the best trial so far."""
    return None if search.best is None else search.best.number


def _accuracy(record: StudyRecord) -> dict[str, float]:
    if record.test is None:
        raise ValueError(f"study {record.name!r} has not been tested")
    low, high = record.test.interval
    return {"accuracy": record.test.accuracy, "low": low, "high": high}
