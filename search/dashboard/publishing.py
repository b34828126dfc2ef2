"""Shows a study in the dashboard: notes and pictures, written beside the search and after it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from queue import SimpleQueue
from typing import final

import optuna

from search.catalog.baselines import stored_baselines
from search.dashboard.artifacts import publish_figures, publish_study, publish_trial
from search.executors.failures import describe_failure
from search.paths import RunPaths
from search.recipe import Recipe
from search.report.info.baseline_study import choose_baseline
from search.tuning.backend import open_storage, storage_url
from search.tuning.board import StudyBoard
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study

_REST = 9  # times as long as it worked: that takes a tenth of a core at most


def publish_whole(study: optuna.Study, record: StudyRecord, paths: RunPaths) -> None:
    """Write the notes and pictures of a study and its trials again, the report's figures too."""
    board = _open_board(study, paths)
    for trial in record.trials:
        if trial.state not in ("waiting", "running"):
            publish_trial(board, record, trial)
    publish_end(study, record, paths)


def publish_end(study: optuna.Study, record: StudyRecord, paths: RunPaths) -> None:
    """Write the study's note and the report's figures."""
    baseline = choose_baseline(record, stored_baselines(study))
    publish_study(_open_board(study, paths), record, baseline)
    publish_figures(study, paths)


def _open_board(study: optuna.Study, paths: RunPaths) -> StudyBoard:
    paths.artifacts_dir.mkdir(parents=True, exist_ok=True)
    return StudyBoard(study, paths.artifacts_dir)


@final
class Publisher:
    """Publishes trials as they end, in a thread and over a connection of its own.

    It rests most of the time, so that the search hardly notices. A failure ends it and nothing
    else: `end` tells it.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[TrialRecord | None] = SimpleQueue()
        self._hurry, self._leave = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def begin(self, recipe: Recipe, done: list[TrialRecord]) -> None:
        """Start; of `done`, trials of earlier runs, those are published that were not yet."""
        self._thread = threading.Thread(target=self._run, args=(recipe, done), daemon=True)
        self._thread.start()

    def add(self, trial: TrialRecord) -> None:
        """Take in a trial that has ended."""
        self._queue.put(trial)

    def end(self, *, whole: bool) -> str | None:
        """End the thread, once all is published if `whole`; returns why it failed, if it did."""
        self._hurry.set()
        if not whole:
            self._leave.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        return self._failure

    def _run(self, recipe: Recipe, done: list[TrialRecord]) -> None:
        try:
            self._publish(recipe, done)
        except Exception as error:  # noqa: BLE001  # told by `end`; a search does not end for it
            self._failure = describe_failure(error)

    def _publish(self, recipe: Recipe, done: list[TrialRecord]) -> None:
        paths = RunPaths(recipe.runs_dir, recipe.study_name or "")
        storage = open_storage(storage_url(recipe.storage, paths.database))
        try:
            study = optuna.load_study(study_name=paths.study_name, storage=storage)
            # What an earlier run tested need not be the winner any more.
            record = replace(read_study(study), trials=tuple(done), test=None, refit=None)
            self._publish_all(_open_board(study, paths), record)
        finally:
            storage.engine.dispose()

    def _publish_all(self, board: StudyBoard, record: StudyRecord) -> None:
        trials = {trial.number: trial for trial in record.trials}
        publish_study(board, record)
        for trial in chain(_unpublished(board, record), iter(self._queue.get, None)):
            if self._leave.is_set():
                return
            began = time.monotonic()
            trials[trial.number] = trial
            publish_trial(board, record, trial)
            publish_study(board, replace(record, trials=tuple(trials.values())))
            self._hurry.wait(_REST * (time.monotonic() - began))


def _unpublished(board: StudyBoard, record: StudyRecord) -> Iterator[TrialRecord]:
    known = board.trials_with_notes([trial.number for trial in record.trials])
    return (trial for trial in record.trials if trial.number not in known)
