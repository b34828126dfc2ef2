"""The main job from recipe to report, without a word on the screen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import optuna

from search.errors import UserError
from search.final.export import load_images
from search.final.finish import finish_study
from search.final.predictions import load_predictions
from search.formatting import format_bytes
from search.listing import stored_url
from search.paths import RunPaths
from search.recipe import Recipe
from search.report.artifacts import publish_figures
from search.report.baseline_study import choose_baseline
from search.report.evidence import Evidence, TestedStudy
from search.report.write import write_report
from search.stored_baselines import stored_baselines
from search.study.disk import DiskNeed, check_disk
from search.study.lock import study_lock
from search.study.observer import StudyObserver
from search.study.opening import find_study, open_study
from search.study.preparing import prepare
from search.study.records import StudyRecord
from search.study.resolve import check_device, count_workers
from search.study.run import run_search
from search.study.stopping import StopRequest
from search.study.storage import open_storage, storage_failures
from search.study.store import read_study
from search.study.workers import InlineWorkers, ProcessWorkers, Workers


@final
@dataclass(frozen=True)
class Outcome:
    """What a run leaves: the study as stored, Optuna's study, and where its files lie.

    `stopped` says that it was asked to stop and did before it was done.
    """

    record: StudyRecord
    study: optuna.Study
    paths: RunPaths
    stopped: bool = False


@contextmanager
def locked_run(
    recipe: Recipe,
    observer: StudyObserver,
    stop: StopRequest,
    *,
    inline: bool = False,
    accept_changes: bool = False,
) -> Iterator[Outcome]:
    """Search, refit and test; the study is nobody else's while the block lasts.

    Goes on with the study where there is one already. `inline` trains in this process, which
    suits debuggers and tests; `accept_changes` goes on though the space's code or a library is
    another. Raises UserError and MachineError, each one line.
    """
    workers = _start_workers(recipe, inline=inline)
    try:
        plan = prepare(recipe, observer)
        with study_lock(plan.paths, plan.recipe.storage), storage_failures(plan.recipe.study_name):
            opened = open_study(plan, accept_changes=accept_changes)
            _say_disk(check_disk(opened, workers.count), observer)
            ended = run_search(opened, workers, observer, stop)
            workers.close()  # the refit has the machine for itself
            record = finish_study(opened, observer, stop) if ended else read_study(opened.study)
            stopped = stop.asked() and record.test is None
            yield Outcome(record, opened.study, opened.paths, stopped)
    finally:
        workers.close()


def run_study(
    recipe: Recipe, observer: StudyObserver, *, inline: bool = False, accept_changes: bool = False
) -> Outcome:
    """Do what `locked_run` does, and return what came of it."""
    stop = StopRequest()
    with locked_run(
        recipe, observer, stop, inline=inline, accept_changes=accept_changes
    ) as outcome:
        return outcome


def run_and_report(
    recipe: Recipe, observer: StudyObserver, stop: StopRequest, *, accept_changes: bool = False
) -> tuple[Outcome, Path | None]:
    """Do the main job; returns what came of it, and the report's page unless it was stopped."""
    with locked_run(recipe, observer, stop, accept_changes=accept_changes) as outcome:
        if outcome.stopped:
            return outcome, None
        observer.notice(f"writing the report of {outcome.record.name}")
        return outcome, write_stored_report(outcome.record, outcome.study, outcome.paths)


def _say_disk(need: DiskNeed, observer: StudyObserver) -> None:
    if need.checkpoints:
        most, free = format_bytes(need.checkpoints), format_bytes(need.free)
        observer.notice(f"disk: the checkpoints take at most {most} at a time, of {free} free")


def _start_workers(recipe: Recipe, *, inline: bool) -> Workers:
    """Start the processes before anything else: they need seconds until they can train."""
    if inline:
        return InlineWorkers()
    return ProcessWorkers(count_workers(recipe, check_device(recipe.device)), recipe.threads)


def write_stored_report(record: StudyRecord, study: optuna.Study, paths: RunPaths) -> Path:
    """Write a stored study's report, its figures into the dashboard too; return the page."""
    chosen = choose_baseline(record, stored_baselines(study))
    evidence = Evidence(
        mistakes=load_images(paths.mistakes),
        predictions=load_predictions(paths.test_predictions),
        baseline=None if chosen is None else with_predictions(chosen, paths.runs_dir),
    )
    page = write_report(record, study, evidence, paths)
    publish_figures(study, paths)
    return page


def with_predictions(record: StudyRecord, runs_dir: Path) -> TestedStudy:
    """Return a study with what its best model made of the test images, where that was kept."""
    paths = RunPaths(runs_dir, record.name)
    return TestedStudy(record, load_predictions(paths.test_predictions))


def open_stored(name: str, runs_dir: Path, storage: str | None) -> optuna.Study:
    """Return a study by name; raises UserError where there is none, naming those there are."""
    backend = open_storage(stored_url(runs_dir, storage))
    study = find_study(backend, name)
    if study is None:
        known = ", ".join(optuna.get_all_study_names(backend)) or "none"
        raise UserError(f"study {name!r} does not exist; known studies: {known}")
    return study
