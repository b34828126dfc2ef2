"""Publishes notes and figures of studies for optuna-dashboard, during the search and after it."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from queue import SimpleQueue
from types import TracebackType
from typing import Self, final

import optuna
from matplotlib.figure import Figure

from search.catalog.dashboard_store import DashboardStore
from search.catalog.studies import stored_baselines
from search.dashboard.notes import study_note, trial_note
from search.dashboard.trial_pictures import TrialConfusion, TrialCurve, png_bytes
from search.events import Event, Listener, Notice
from search.executors.failures import describe_failure
from search.paths import RunPaths
from search.plotting import paper_style
from search.progress.steps import Progress, Step, no_progress
from search.recipe import Recipe
from search.report.evidence import choose_baseline
from search.report.findings import FIGURE_NAMES
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.run_events import StudyOpened, TrialEnded
from search.tuning.storage import open_storage, storage_url
from search.tuning.store import read_study


def publish_figures(study: optuna.Study, paths: RunPaths) -> None:
    """Publish every PNG of the report, replacing earlier ones."""
    store = DashboardStore(study, paths.artifacts_dir)
    for figure in (paths.figure(name, "png") for name in FIGURE_NAMES):
        if figure.exists():
            store.put_figure(figure)


def publish_study(
    store: DashboardStore, record: StudyRecord, baseline: StudyRecord | None = None
) -> None:
    """Write the study's note, with the baseline study for comparison."""
    store.write_note(study_note(record, baseline))


def publish_trial(store: DashboardStore, record: StudyRecord, trial: TrialRecord) -> None:
    """Draw the figures of a trial that ended, then write its note, which marks it as complete."""
    _draw_missing(store, record, trial)
    store.write_note(trial_note(trial, record), trial.number)


def _draw_missing(store: DashboardStore, record: StudyRecord, trial: TrialRecord) -> None:
    """Draw the figures that a trial lacks; an ended trial does not change."""
    with paper_style():
        for name, draw in _drawers(record, trial):
            if not store.has_png(name, trial.number):
                store.put_png(name, png_bytes(draw()), trial.number)


def _drawers(record: StudyRecord, trial: TrialRecord) -> Iterator[tuple[str, Callable[[], Figure]]]:
    metric = record.metric
    curve = TrialCurve.of(trial, metric)
    if curve is not None:
        yield "learning-curve.png", curve.draw
    confusion = TrialConfusion.of(trial, metric, record.dataset.class_names)
    if confusion is not None:
        yield "confusion-matrix.png", confusion.draw


_REST = 9  # pauses 9 times as long as it works, so it uses at most a tenth of a core
_MOST_REDRAWN = 50  # trials; those of a thousand would take a minute


def publish_whole(
    study: optuna.Study, record: StudyRecord, paths: RunPaths, progress: Progress = no_progress
) -> None:
    """Write all notes of a study and its trials again, and the figures of its report.

    Trials' figures are there since they ended. Those that were lost are drawn again for the best
    trials only.
    """
    store = DashboardStore(study, paths.artifacts_dir)
    ended = [trial for trial in record.trials if trial.state not in ("waiting", "running")]
    best = {trial.number for trial in [*record.complete(), *ended][:_MOST_REDRAWN]}
    with store.collected():
        for place, trial in enumerate(ended):
            progress(Step("notes for the dashboard", place, len(ended)))
            if trial.number in best:
                _draw_missing(store, record, trial)
            store.write_note(trial_note(trial, record), trial.number)
    publish_end(study, record, paths)


def publish_end(study: optuna.Study, record: StudyRecord, paths: RunPaths) -> None:
    """Write the study's note and the report's figures."""
    baseline = choose_baseline(record, stored_baselines(study))
    publish_study(DashboardStore(study, paths.artifacts_dir), record, baseline)
    publish_figures(study, paths)


@final
class Publisher:
    """A listener that publishes trials as they end, in a thread with a connection of its own.

    It pauses most of the time, so that it hardly slows the search. A failure ends only the
    publisher, with a notice to `listener`. As a context manager it ends with the block; trials not
    yet published are left to the next run or report, unless `close` waited for them.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._queue: SimpleQueue[TrialRecord | None] = SimpleQueue()
        self._hurry, self._leave = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close(whole=False)

    def __call__(self, event: Event) -> None:
        """Start once the study is open, and queue each trial that ends."""
        if isinstance(event, StudyOpened):
            work = (event.recipe, event.ended)
            self._thread = threading.Thread(target=self._run, args=work, daemon=True)
            self._thread.start()
        elif isinstance(event, TrialEnded):
            self._queue.put(event.trial)

    def close(self, *, whole: bool) -> None:
        """End the thread, after publishing everything if `whole`; emit a notice if it failed."""
        if self._thread is None:
            return
        self._hurry.set()
        if not whole:
            self._leave.set()
        self._queue.put(None)
        self._thread.join()
        self._thread = None
        if self._failure is not None:
            self._listener(Notice(self._failure))

    def _run(self, recipe: Recipe, ended: tuple[TrialRecord, ...]) -> None:
        try:
            self._publish(recipe, ended)
        except Exception as error:  # noqa: BLE001  # reported by `close`; a search goes on without it
            self._failure = (
                "the dashboard's notes and figures could not be written: "
                f"{describe_failure(error)}; "
                f"python -m search report {recipe.study_name} rebuilds them"
            )

    def _publish(self, recipe: Recipe, ended: tuple[TrialRecord, ...]) -> None:
        paths = RunPaths(recipe.runs_dir, recipe.study_name or "")
        storage = open_storage(storage_url(recipe.storage, paths.database))
        try:
            study = optuna.load_study(study_name=paths.study_name, storage=storage)
            # The winner of an earlier run may no longer be the winner.
            record = replace(read_study(study), trials=ended, test=None, refit=None)
            self._publish_all(DashboardStore(study, paths.artifacts_dir), record)
        finally:
            storage.engine.dispose()

    def _publish_all(self, store: DashboardStore, record: StudyRecord) -> None:
        trials = {trial.number: trial for trial in record.trials}
        publish_study(store, record)
        for trial in chain(_unpublished(store, record), iter(self._queue.get, None)):
            if self._leave.is_set():
                return
            began = time.monotonic()
            trials[trial.number] = trial
            publish_trial(store, record, trial)
            if self._queue.empty():  # the study's note is about all trials: once for several
                publish_study(store, replace(record, trials=tuple(trials.values())))
            self._hurry.wait(_REST * (time.monotonic() - began))
        publish_study(store, replace(record, trials=tuple(trials.values())))


def _unpublished(store: DashboardStore, record: StudyRecord) -> Iterator[TrialRecord]:
    known = store.trials_with_notes([trial.number for trial in record.trials])
    return (trial for trial in record.trials if trial.number not in known)
