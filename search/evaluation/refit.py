"""Retrains the winner on all training images, tests it once and exports it."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from itertools import count
from typing import final

import joblib
import torch
from safetensors.torch import load_file
from torch import nn

from cifar_models import build_model
from search.data.dataset import ChannelStatistics, DatasetInfo
from search.errors import MachineError, UserError
from search.evaluation.model import ImageClassifier, ModelCard, export_model
from search.evaluation.model_card import write_model_readme
from search.evaluation.test_set import evaluate_on_test_set
from search.events import Listener, StepProgress
from search.executors.base import Executor
from search.executors.refit_job import RefitJob
from search.files import remove_folder
from search.paths import ModelPaths, RunPaths
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.opening import OpenStudy
from search.tuning.preparing import training_settings
from search.tuning.records import RefitRecord, StudyRecord, TrialRecord, why_no_winner
from search.tuning.store import read_study, to_plain
from spaces import Candidate


@final
@dataclass(frozen=True)
class Refit:
    """The trained network, the statistics that its images are normalized by, and the record."""

    model: nn.Module
    candidate: Candidate
    statistics: ChannelStatistics
    record: RefitRecord


def refit_job(
    winner: TrialRecord, recipe: Recipe, dataset: DatasetInfo, paths: RunPaths
) -> RefitJob:
    """Return the job that trains a complete trial on the whole training split.

    It takes E* epochs, and resumes from the checkpoint of this very training, if there is one.
    """
    if winner.candidate is None or winner.best_epoch is None:
        raise ValueError(f"winner must be a complete trial, got trial {winner.number}")
    return RefitJob(
        index=winner.plan,
        candidate=winner.candidate.model_dump_json(),
        dataset=dataset,
        study_seed=recipe.seed,
        settings=training_settings(recipe),
        epochs=winner.best_epoch,
        learning_rates=tuple(winner.history.learning_rates()),
        threads=joblib.cpu_count(),
        folder=paths.refit_dir,
        checkpoints=paths.refit_checkpoints,
        checkpoint_every=recipe.checkpoint_every,
        weights=paths.refit_dir / "weights.safetensors",
    )


def refit(
    number: int,
    job: RefitJob,
    executor: Executor,
    progress: Callable[[int, int], None],
    stop: StopRequest,
) -> Refit | None:
    """Return the trial of that number as the job trains it; None where it was stopped.

    `progress` gets (epoch, epochs). Raises MachineError where the loss stops being finite, or the
    training fails.
    """
    remove_folder(job.folder)
    epochs = count(1)
    try:
        outcome = executor.run(job, lambda _: progress(next(epochs), job.epochs), stop.requested)
    except BrokenExecutor as error:
        raise MachineError(_failed(f"its process died ({type(error).__name__})")) from error
    if outcome.ended == "stopped":
        return None
    if outcome.ended == "diverged":
        raise MachineError(_diverged(outcome.reason or ""))
    if outcome.ended != "finished" or outcome.statistics is None:
        raise MachineError(_failed(outcome.reason or ""))
    history, candidate = outcome.history, Candidate.from_json(job.candidate)
    record = RefitRecord(number, job.epochs, history, history.seconds(), job.threads)
    return Refit(_network(job, candidate), candidate, outcome.statistics, record)


def _network(job: RefitJob, candidate: Candidate) -> nn.Module:
    """Return the network with its trained weights, laid out in memory as it was trained."""
    dataset = job.dataset
    network = build_model(candidate.model, dataset.image_shape, len(dataset.class_names))
    network.to(memory_format=torch.channels_last)
    network.load_state_dict(load_file(job.weights))
    return network


def _diverged(when: str) -> str:
    return (
        f"the refit diverged {when}, though the folds did not; the study is kept: "
        "run it again with more trials or another --precision"
    )


def _failed(reason: str) -> str:
    return (
        f"the refit failed: {reason}; the study and the checkpoints of the refit are kept: run the "
        "same command again to resume"
    )


def finish_search(
    opened: OpenStudy, executor: Executor, listener: Listener, stop: StopRequest
) -> StudyRecord:
    """Return the study with its winner refitted and tested; does nothing if that is done.

    A refit that is stopped leaves the study as it is. Raises UserError if no trial is complete.
    """
    record = read_study(opened.study)
    winner = record.winner()
    if winner is None:
        raise UserError(f"study {record.name!r} has no winner: {why_no_winner(record)}")
    tested = record.refit is not None and record.refit.trial == winner.number and record.test
    if not tested or not ModelPaths(opened.paths.model_dir).card.exists():
        _finish(opened, winner, executor, listener, stop, test=not tested)
    return read_study(opened.study)


def _finish(
    opened: OpenStudy,
    winner: TrialRecord,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
    *,
    test: bool,
) -> None:
    """Refit and export. `test` is False if only the exported model is missing."""
    study, dataset = opened.study, opened.dataset
    description = f"refit of trial {winner.number}"
    job = refit_job(winner, opened.recipe, dataset, opened.paths)
    with stop.accepted():
        fitted = refit(
            winner.number,
            job,
            executor,
            lambda done, total: listener(StepProgress(description, done, total)),
            stop,
        )
    if fitted is None:
        return
    card = ModelCard.describe(
        fitted.candidate, dataset, fitted.statistics, study.study_name, fitted.record.trial
    )
    torch.set_num_threads(joblib.cpu_count())
    classifier = ImageClassifier(card, fitted.model)
    if test:
        study.set_user_attr("test", None)  # of an earlier winner
        study.set_user_attr("refit", to_plain(fitted.record))
        purpose = f"final evaluation, {description}"
        results = evaluate_on_test_set(opened, {winner.number: classifier}, winner.number, purpose)
    export_model(card, classifier.network, opened.paths.model_dir)
    if test:  # last: a study that has its test result has its model too
        study.set_user_attr("test", to_plain(results[winner.number]))
    write_model_readme(read_study(study), opened.paths)
    remove_folder(opened.paths.refit_dir)
    remove_folder(opened.paths.checkpoints_dir)
