"""The main job: search, refit, test and report, shared by the command line and the Python API."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import optuna

from search.ablation.path import Ablation
from search.catalog.openings import DatasetAccess, earlier_accesses
from search.catalog.studies import stored_baselines, stored_repetitions
from search.dashboard.publishing import Publisher, publish_end, publish_whole
from search.data.training_images import TrainingImages
from search.errors import UserError
from search.evaluation.finishing import finish_search, refit_best
from search.evaluation.model import ImageClassifier
from search.evaluation.model_card import write_model_readme
from search.evaluation.test_results import load_images, load_predictions
from search.events import Listener, Notice, fan_out
from search.executors import ExecutorChoice
from search.executors.base import Executor
from search.paths import RunPaths
from search.progress.steps import Progress, no_progress
from search.recipe import Recipe
from search.reference.replication import finish_replication
from search.report.evidence import Evidence, TestedStudy, choose_baseline
from search.report.findings import summaries
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.earlier_access import EarlierAccess
from search.report.write import write_report
from search.stopping import StopRequest
from search.text import plural
from search.tuning.ask_and_tell import TrialQueue
from search.tuning.budget import Budget
from search.tuning.endings import failures_line
from search.tuning.finalists import train_finalists
from search.tuning.kept_predictions import read_kept
from search.tuning.locks import study_lock
from search.tuning.opening import OpenStudy, open_study
from search.tuning.outages import files_needed
from search.tuning.plan import check_disk, make_plan_info
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from search.tuning.run_events import PlanMade
from search.tuning.storage import storage_failures
from search.tuning.store import is_foreign, read_study
from spaces.user_object import UserCodeError

__all__ = [
    "OpenRun",
    "Outcome",
    "Report",
    "locked_run",
    "open_run",
    "run_and_report",
    "run_study",
    "stored_evidence",
    "with_predictions",
    "write_stored_report",
]


@final
@dataclass(frozen=True)
class Outcome:
    """What a run leaves behind.

    Attributes:
        record: The study as stored.
        study: Optuna's study.
        paths: The study's files.
        stopped: Whether it was stopped on request before it was done.
    """

    record: StudyRecord
    study: optuna.Study
    paths: RunPaths
    stopped: bool = False


@final
@dataclass(frozen=True)
class Report:
    """The report's page, and what it needed of other studies.

    Attributes:
        page: The page.
        baseline: The baseline study that the winner is compared with, if any.
        earlier: Other studies' accesses to the test set before.
        outcome: How the winner compares with that baseline, in words; "" without one.
    """

    page: Path
    baseline: StudyRecord | None
    earlier: tuple[DatasetAccess, ...] = ()
    outcome: str = ""


@final
@dataclass
class OpenRun:
    """A study whose lock is held, and what its steps need.

    Attributes:
        opened: The study.
        workers: Where it trains.
        listener: Receives every event.
        stop: Ends a step early, keeping everything.
        budget: How a limited time is spent; None without a limit.
        ended: Whether the steps of this run came to their end; False before the first one.
    """

    opened: OpenStudy
    workers: Executor
    listener: Listener
    stop: StopRequest
    budget: Budget | None
    ended: bool = field(default=False, init=False)

    def search(self) -> bool:
        """Run the open trials; returns False if it was stopped before all had ended."""
        ended = run_search(self.opened, self.workers, self.listener, self.stop, self.budget)
        if ended:
            started = time.monotonic()
            with files_needed(self.opened):
                ended = train_finalists(self.opened, self.workers, self.listener, self.stop)
            if self.budget is not None:
                self.budget = self.budget.extended(time.monotonic() - started)
        self.workers.resize(1)  # what follows uses the whole machine
        self.ended = ended
        return ended

    def refit(self) -> ImageClassifier | None:
        """Return the winner, retrained and exported as its ensemble is; None if it was stopped."""
        with files_needed(self.opened):
            return refit_best(self.opened, self.workers, self.listener, self.stop, self.budget)

    def finish(self) -> None:
        """Refit and test the winner; a replication tests the networks of its trials."""
        failures = failures_line(read_study(self.opened.study))
        if failures is not None:  # nobody should take the test for one of the whole plan
            self.listener(Notice(failures))
        with files_needed(self.opened):
            if self.opened.recipe.protocol.refits:
                self.ended = finish_search(
                    self.opened, self.workers, self.listener, self.stop, self.budget
                )
            else:
                finish_replication(self.opened, self.workers, self.listener)

    def outcome(self) -> Outcome:
        """Return what the run leaves behind."""
        record = read_study(self.opened.study)
        done = self.ended and record.test is not None  # which an earlier run may have tested
        stopped = self.stop.requested() and not done
        return Outcome(record, self.opened.study, self.opened.paths, stopped)


@contextmanager
def open_run(
    recipe: Recipe,
    listener: Listener,
    stop: StopRequest,
    *,
    executor: str | ExecutorChoice = "processes",
    accept_changes: bool = False,
    retry_failed: bool = False,
    estimate: bool = False,
    searching: bool = True,
) -> Iterator[OpenRun]:
    """Create or resume a study; holds its lock until the block ends.

    Args:
        recipe: What to search.
        listener: Receives every event.
        stop: Ends the run early, keeping everything.
        executor: Where trials run, one of `search.executors.EXECUTORS` or its name; "inline" suits
            debuggers and tests.
        accept_changes: Whether to resume even if the space's code or a library has changed.
        retry_failed: Whether trials that failed for good are tried again.
        estimate: Whether to emit the plan as an event, with an estimate of the time, which takes a
            warm-up of some seconds.
        searching: False where only the winner is trained or tested: then there is one worker, and
            no time budget is planned.

    Raises:
        UserError, MachineError: One line each.
    """
    started = time.monotonic() - time.process_time()  # of importing the program, too
    chosen = ExecutorChoice(executor) if isinstance(executor, str) else executor
    # First, as processes need seconds until they can train.
    slots = recipe.workers if searching else 1
    with chosen.start(slots, recipe.threads) as workers, _user_code_errors():
        plan = prepare(recipe, workers, listener, started, budgeted=searching)
        workers.resize(plan.recipe.workers if searching else 1)
        with (
            study_lock(plan.paths, plan.recipe.storage) as lock,
            storage_failures(plan.recipe.study_name),
        ):
            opened = open_study(plan, accept_changes=accept_changes)
            lock.keep_with(opened.storage)
            _tell_foreign(opened, listener)
            if retry_failed:
                n_failed = TrialQueue(opened).retry_failed()
                listener(Notice(f"{plural(n_failed, 'failed trial')} to try again"))
            disk = check_disk(opened, workers.slots)
            if estimate:
                listener(PlanMade(make_plan_info(opened, disk, workers, plan.budget)))
            yield OpenRun(opened, workers, listener, stop, plan.budget)


@contextmanager
def locked_run(
    recipe: Recipe,
    listener: Listener,
    stop: StopRequest,
    *,
    executor: str | ExecutorChoice = "processes",
    accept_changes: bool = False,
    retry_failed: bool = False,
    estimate: bool = False,
) -> Iterator[Outcome]:
    """Search, refit and test; holds the study's lock until the block ends.

    Resumes the study if it exists. Arguments and errors are those of `open_run`.
    """
    with open_run(
        recipe,
        listener,
        stop,
        executor=executor,
        accept_changes=accept_changes,
        retry_failed=retry_failed,
        estimate=estimate,
    ) as run:
        if run.search():
            run.finish()
        run.workers.close()
        yield run.outcome()


@contextmanager
def _user_code_errors() -> Iterator[None]:
    """Raise errors of a user's space, which may show late, as those of a user."""
    try:
        yield
    except UserCodeError as error:
        raise UserError(str(error)) from error


def _tell_foreign(opened: OpenStudy, listener: Listener) -> None:
    """Tell of trials that another program added, such as by Optuna's `enqueue_trial`."""
    trials = opened.study.get_trials(deepcopy=False)
    foreign = [str(one.number) for one in trials if is_foreign(one)]
    if foreign:
        listener(
            Notice(
                f"trial {', '.join(foreign)} of the database was added by another program: it is "
                "not in the plan, is not trained and does not count"
            )
        )


def run_study(
    recipe: Recipe,
    listener: Listener,
    *,
    executor: str | ExecutorChoice = "processes",
    accept_changes: bool = False,
    retry_failed: bool = False,
) -> Outcome:
    """Do what `locked_run` does, and return the outcome."""
    with locked_run(
        recipe,
        listener,
        StopRequest(),
        executor=executor,
        accept_changes=accept_changes,
        retry_failed=retry_failed,
    ) as outcome:
        return outcome


def run_and_report(
    recipe: Recipe,
    listener: Listener,
    stop: StopRequest,
    *,
    executor: str | ExecutorChoice = "processes",
    accept_changes: bool = False,
    retry_failed: bool = False,
    estimate: bool = False,
) -> tuple[Outcome, Report | None]:
    """Do what `locked_run` does and write the report; returns the outcome and the report.

    There is no report if the run was stopped.
    """
    with (
        Publisher(listener) as publisher,
        locked_run(
            recipe,
            fan_out(listener, publisher),
            stop,
            executor=executor,
            accept_changes=accept_changes,
            retry_failed=retry_failed,
            estimate=estimate,
        ) as outcome,
    ):
        publisher.close(whole=not outcome.stopped)
        if outcome.stopped:
            return outcome, None
        record, study = outcome.record, outcome.study
        listener(Notice(f"writing the report of {record.name}"))
        report = _write_report(record, study, outcome.paths)
        publish_end(study, record, outcome.paths)
        return outcome, report


def write_stored_report(
    record: StudyRecord, study: optuna.Study, paths: RunPaths, progress: Progress = no_progress
) -> Path:
    """Write a stored study's report and its dashboard notes; return the report's page."""
    report = _write_report(record, study, paths, progress)
    publish_whole(study, record, paths, progress)
    return report.page


def _write_report(
    record: StudyRecord, study: optuna.Study, paths: RunPaths, progress: Progress = no_progress
) -> Report:
    evidence = stored_evidence(record, study, paths)
    earlier = evidence.earlier or ()
    chosen = None if evidence.baseline is None else evidence.baseline.record
    told = (EarlierAccess.known(earlier).words(),) if earlier else ()
    write_model_readme(record, paths, chosen, (*summaries(record, evidence.nested), *told))
    page = write_report(evidence, paths, progress)
    versus = evidence.once(BaselineComparison.of)
    return Report(page, chosen, earlier, "" if versus is None else versus.outcome)


def stored_evidence(record: StudyRecord, study: optuna.Study, paths: RunPaths) -> Evidence:
    """Return all that is stored of a study; raises MachineError if a file is damaged."""
    chosen = choose_baseline(record, stored_baselines(study))
    tested = record.test is not None  # files of an earlier winner's test may still be there
    return Evidence(
        record,
        study,
        mistakes=load_images(paths.mistakes) if tested else None,
        predictions=load_predictions(paths.test_predictions) if tested else None,
        baseline=None if chosen is None else with_predictions(chosen, paths.runs_dir),
        ablation=Ablation.load(paths.ablation),
        earlier=earlier_accesses(study, record, paths.runs_dir),
        validation=read_kept(record, paths),
        training_images=TrainingImages.of(record.dataset),
        nested=stored_repetitions(study, record),
    )


def with_predictions(record: StudyRecord, runs_dir: Path) -> TestedStudy:
    """Return a study with its best model's predictions of the test images, if they were kept."""
    paths = RunPaths(runs_dir, record.name)
    return TestedStudy(record, load_predictions(paths.test_predictions))
