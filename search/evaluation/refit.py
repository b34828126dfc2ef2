"""Retrains the winner on all training images, tests it once and exports it."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, replace
from itertools import count
from typing import final

import joblib
import torch

from search.data.dataset import ChannelStatistics, DatasetInfo, Resize
from search.errors import MachineError, UserError
from search.evaluation.model import ImageClassifier, export_model, load_model, load_network
from search.evaluation.model_card import write_model_readme
from search.evaluation.refit_length import refit_epochs, stretched
from search.evaluation.test_set import evaluate_on_test_set
from search.events import Listener, StepProgress
from search.executors.base import Executor
from search.executors.training_jobs import RefitJob
from search.files import remove_folder
from search.paths import ModelPaths, RunPaths
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.budget import Budget
from search.tuning.endings import why_no_winner
from search.tuning.opening import OpenStudy
from search.tuning.records import RefitRecord, StudyRecord, TrialRecord
from search.tuning.store import read_study, to_plain
from search.tuning.workload import training_settings
from spaces.families import FamilySource


@final
@dataclass(frozen=True)
class Refit:
    """The trained network, the statistics that its images are normalized by, and the record."""

    classifier: ImageClassifier
    statistics: ChannelStatistics
    record: RefitRecord


def refit_job(
    winner: TrialRecord,
    recipe: Recipe,
    dataset: DatasetInfo,
    paths: RunPaths,
    horizon: int | None = None,
    families: FamilySource | None = None,
) -> RefitJob:
    """Return the job that trains a complete trial on the whole training split.

    It resumes from a checkpoint of the same training, if there is one.

    Args:
        winner: The trial.
        recipe: A resolved recipe.
        dataset: Its dataset.
        paths: Its files.
        horizon: Epochs of the schedule; None: a trial's.
        families: The code of its network, if that is the user's own.
    """
    horizon = horizon or recipe.epochs
    if winner.candidate is None or winner.best_epoch is None:
        raise ValueError(f"winner must be a complete trial, got trial {winner.number}")
    return RefitJob(
        index=winner.plan,
        candidate=winner.candidate.model_dump_json(),
        dataset=dataset,
        study_seed=recipe.seed,
        settings=replace(training_settings(recipe), epochs=horizon),
        epochs=refit_epochs(winner, recipe, dataset, horizon),
        learning_rates=stretched(winner.history.learning_rates(), recipe.epochs, horizon),
        threads=joblib.cpu_count(),
        folder=paths.refit_dir,
        checkpoints=paths.refit_checkpoints,
        checkpoint_every=recipe.checkpoint_every,
        weights=paths.refit_dir / "weights.safetensors",
        families=families,
    )


def refit(
    study: str,
    winner: TrialRecord,
    job: RefitJob,
    executor: Executor,
    progress: Callable[[int, int], None],
    stop: StopRequest,
    resize: Resize = "stretch",
) -> Refit | None:
    """Train the winner of a study as the job says.

    Args:
        study: Name of the study.
        winner: The trial.
        job: The training.
        executor: Where it runs.
        progress: Called with (epoch, epochs) after each epoch.
        stop: Ends the training early.
        resize: How images of another shape were fitted.

    Returns:
        The trained network, or None if it was stopped.

    Raises:
        MachineError: The loss became infinite or NaN, or the training failed.
    """
    if winner.candidate is None:
        raise ValueError(f"trial {winner.number} has no candidate")
    remove_folder(job.folder)
    job.checkpoints.parent.mkdir(exist_ok=True)
    epochs = count(1)
    try:
        outcome = executor.run(job, lambda _: progress(next(epochs), job.epochs), stop.requested)
    except BrokenExecutor as error:
        raise _failed(f"its process died ({type(error).__name__})") from error
    if outcome.ended == "stopped":
        return None
    if outcome.ended == "diverged":
        raise MachineError(
            f"the refit diverged {outcome.reason}, though the folds did not; the study is kept: "
            "run it again with more trials or another `precision`"
        )
    statistics, history = outcome.statistics, outcome.history
    if outcome.ended != "finished" or statistics is None:
        raise _failed(outcome.reason or "")
    record = RefitRecord(winner.number, job.epochs, history, history.seconds(), job.threads)
    classifier = load_network(
        job.weights,
        winner.candidate,
        job.dataset,
        statistics,
        study,
        winner.number,
        resize,
        job.families,
    )
    classifier.network.to(memory_format=torch.channels_last)  # as it was trained
    return Refit(classifier, statistics, record)


def _failed(reason: str) -> MachineError:
    return MachineError(
        f"the refit failed: {reason}; the study and the checkpoints of the refit are kept: run it "
        "again to resume"
    )


def finish_search(
    opened: OpenStudy,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
    budget: Budget | None = None,
) -> StudyRecord:
    """Return the study with its winner refitted and tested; does nothing if that is done.

    Under a time budget the refit's schedule is as long as the time allows.

    A refit that is stopped leaves the study as it is. Raises UserError if no trial is complete.
    """
    record = read_study(opened.study)
    if record.is_tested() and ModelPaths(opened.paths.model_dir).card.exists():
        return record
    classifier = refit_winner(opened, executor, listener, stop, budget)
    if classifier is not None:
        evaluate_winner(opened, classifier)
        remove_folder(opened.paths.checkpoints_dir)
    return read_study(opened.study)


def refit_winner(
    opened: OpenStudy,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
    budget: Budget | None = None,
) -> ImageClassifier | None:
    """Return the winner's network, trained on all training images and exported.

    A network that was exported before is loaded. Under a time budget the refit's schedule is as
    long as the time allows.

    Returns:
        The network; None if the refit was stopped, which leaves the study as it is.

    Raises:
        UserError: No trial is complete.
        MachineError: The loss became infinite or NaN, or the training failed.
    """
    record = read_study(opened.study)
    winner = _winner(record)
    exported = _exported(record, opened.paths)
    if exported is not None:
        return exported
    horizon = plan_horizon(opened, budget)
    families = opened.space.family_source
    job = refit_job(winner, opened.recipe, opened.dataset, opened.paths, horizon, families)
    description = _description(winner.number)

    def progress(epoch: int, epochs: int) -> None:
        listener(StepProgress(description, epoch, epochs))

    with stop.accepted():
        fitted = refit(record.name, winner, job, executor, progress, stop, opened.recipe.resize)
    if fitted is None:
        return None
    if not record.is_tested():  # or else only the exported model is missing
        opened.study.set_user_attr("test", None)  # an earlier winner's
        opened.study.set_user_attr("refit", to_plain(fitted.record))
    export_model(fitted.classifier, opened.paths.model_dir)
    remove_folder(opened.paths.refit_dir)
    remove_folder(opened.paths.refit_checkpoints)
    return fitted.classifier


def evaluate_winner(opened: OpenStudy, classifier: ImageClassifier) -> StudyRecord:
    """Return the study with its refitted winner tested; the test set is opened once for each.

    Raises:
        MachineError: The test split is missing or damaged.
    """
    record = read_study(opened.study)
    if not record.is_tested():
        torch.set_num_threads(joblib.cpu_count())
        number = _winner(record).number
        purpose = f"final evaluation, {_description(number)}{_without_failed(record)}"
        results = evaluate_on_test_set(opened, {number: classifier}, number, purpose)
        # last: a study that has its test result also has its model
        opened.study.set_user_attr("test", to_plain(results[number]))
    write_model_readme(read_study(opened.study), opened.paths)
    return read_study(opened.study)


def _without_failed(record: StudyRecord) -> str:
    n_failed = len(record.failed_indices())
    return f"; {n_failed} of {record.n_planned()} trials had failed" if n_failed else ""


def _winner(record: StudyRecord) -> TrialRecord:
    winner = record.winner()
    if winner is None:
        raise UserError(f"study {record.name!r} has no winner: {why_no_winner(record)}")
    return winner


def _description(number: int) -> str:
    return f"refit of trial {number}"


def _exported(record: StudyRecord, paths: RunPaths) -> ImageClassifier | None:
    """Return the refitted winner's exported network; None if it is not there, or not whole."""
    winner, refitted = _winner(record), record.refit
    if refitted is None or refitted.trial != winner.number:
        return None
    try:
        classifier = load_model(paths.model_dir, trust_code=True)  # which this study exported
    except UserError:
        return None
    card = classifier.card
    if (card.study, card.trial) != (record.name, winner.number):
        return None
    classifier.network.to(memory_format=torch.channels_last)  # as it was trained
    return classifier


def plan_horizon(opened: OpenStudy, budget: Budget | None) -> int:
    """Return the epochs of the schedule by which the winner is refitted.

    They are stored where they are not those of a trial, so that a later refit has as many.
    """
    record = read_study(opened.study)
    winner, trial = _winner(record), opened.recipe.epochs
    if (stored := record.refit_horizon(winner)) is not None:
        return stored
    horizon = opened.recipe.refit_epochs or trial
    if budget is not None and opened.recipe.refit_epochs is None:
        seconds = winner.history.seconds() / winner.history.fold_epochs()
        horizon = budget.refit_horizon(seconds, trial)
    if horizon != trial:
        facts = {"trial": winner.number, "epochs": horizon}
        opened.study.set_user_attr("refit_horizon", facts)
    return horizon
