"""Trains the winner on all folds together, tests it once and exports it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import joblib
import torch
from torch import nn

from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo, TrainSplit
from search.data.statistics import ChannelStatistics, channel_statistics
from search.errors import MachineError, UserError
from search.evaluation.measuring import measure
from search.evaluation.model import ImageClassifier, ModelCard, export_model
from search.evaluation.model_card import write_model_readme
from search.events import Listener, StepProgress
from search.executors.process import keep_freed_memory
from search.paths import ModelPaths
from search.recipe import Recipe
from search.seeding import derive_seed
from search.stopping import StopRequest
from search.training.checkpoints import AsyncCheckpointWriter, Checkpoints, training_key
from search.training.history import History
from search.training.schedules import refit_schedule
from search.training.settings import TrainingSettings
from search.training.trainer import FoldTask, FoldTraining, diverged, run_epochs
from search.tuning.active import training_settings
from search.tuning.opening import OpenStudy
from search.tuning.outcome import why_no_winner
from search.tuning.records import RefitRecord, StudyRecord, TrialRecord
from search.tuning.store import read_study, to_plain
from spaces import Candidate

Progress = Callable[[int, int], None]


@final
@dataclass(frozen=True)
class Refit:
    """The trained network, the statistics that its images are normalised by, and the record."""

    model: nn.Module
    candidate: Candidate
    statistics: ChannelStatistics
    settings: TrainingSettings
    record: RefitRecord


def refit(
    winner: TrialRecord,
    recipe: Recipe,
    dataset: DatasetInfo,
    checkpoints_dir: Path,
    progress: Progress,
    stop: StopRequest,
) -> Refit | None:
    """Return the winner trained on the whole training split; `progress` gets (epoch, epochs).

    Goes on from the checkpoint in `checkpoints_dir`, where there is one of this very training, and
    leaves one where it is stopped: None is returned then. Raises MachineError where the loss stops
    being finite.
    """
    if winner.candidate is None or winner.best_epoch is None:
        raise ValueError(f"winner must be a complete trial, got trial {winner.number}")
    settings, candidate = training_settings(recipe), winner.candidate
    data = load_train_split(dataset).to(settings.device)
    task, threads = _task(winner, candidate, recipe, data), torch.get_num_threads()
    facts = (candidate.model_dump_json(), dataset.fingerprint, task.seed, task.schedule)
    key = training_key(*facts, settings, threads, torch.__version__)
    checkpoints, classes = Checkpoints(checkpoints_dir, key), len(dataset.class_names)
    training = FoldTraining(candidate, task, data, classes, settings, resume=checkpoints.load(0))
    with AsyncCheckpointWriter(checkpoints, recipe.checkpoint_every) as writer:
        history = _train(training, winner.best_epoch, writer, progress, stop)
    if history is None:
        return None
    record = RefitRecord(winner.number, winner.best_epoch, history, history.seconds(), threads)
    return Refit(training.model, candidate, task.statistics, settings, record)


def _task(winner: TrialRecord, candidate: Candidate, recipe: Recipe, data: TrainSplit) -> FoldTask:
    everything = torch.arange(len(data.labels))
    rate, recorded = candidate.optimizer.learning_rate, winner.history.learning_rates()
    return FoldTask(
        train=everything,
        validation=None,
        statistics=channel_statistics(data.images, everything),
        schedule=refit_schedule(candidate.schedule, rate, recipe.epochs, recorded),
        seed=derive_seed(recipe.seed, "trial", winner.plan, "refit"),
    )


def _train(
    training: FoldTraining,
    epochs: int,
    writer: AsyncCheckpointWriter,
    progress: Progress,
    stop: StopRequest,
) -> History | None:
    history, known = History(), len(training.state().history)
    for epoch, figures in enumerate(run_epochs([training], epochs), start=1):
        if diverged(figures):
            raise MachineError(_diverged(epoch))
        history = History((*history.epochs, figures))
        writer.write(epoch, {0: training}, stopping=stop.asked())
        if epoch > known:  # and not told again from the checkpoint
            progress(epoch, epochs)
        if stop.asked() and epoch < epochs:
            return None
    if not all(bool(value.isfinite().all()) for value in training.model.state_dict().values()):
        raise MachineError(_diverged(epochs))
    return history


def _diverged(epoch: int) -> str:
    return (
        f"the refit diverged in epoch {epoch}, though the folds did not; the study is kept: "
        "run it again with more trials or another --precision"
    )


def finish_search(opened: OpenStudy, listener: Listener, stop: StopRequest) -> StudyRecord:
    """Return the study with its winner refitted and tested; does nothing where that is done.

    A refit that is stopped leaves the study as it is. Raises UserError where no trial is complete.
    """
    record = read_study(opened.study)
    winner = record.winner()
    if winner is None:
        raise UserError(f"study {record.name!r} has no winner: {why_no_winner(record)}")
    tested = record.refit is not None and record.refit.trial == winner.number and record.test
    if not tested or not ModelPaths(opened.paths.model_dir).card.exists():
        _finish(opened, winner, listener, stop, test=not tested)
    return read_study(opened.study)


def _finish(
    opened: OpenStudy,
    winner: TrialRecord,
    listener: Listener,
    stop: StopRequest,
    *,
    test: bool,
) -> None:
    """Refit and export; `test` False where only the exported model is gone: a refit repeats."""
    study, dataset = opened.study, opened.dataset
    description = f"refit of trial {winner.number}"
    torch.set_num_threads(joblib.cpu_count())
    keep_freed_memory()
    with stop.heeded():
        fitted = refit(
            winner,
            opened.recipe,
            dataset,
            opened.paths.refit_checkpoints,
            lambda done, total: listener(StepProgress(description, done, total)),
            stop,
        )
    if fitted is None:
        return
    card = ModelCard.describe(
        fitted.candidate, dataset, fitted.statistics, study.study_name, fitted.record.trial
    )
    classifier = ImageClassifier(card, fitted.model.to("cpu"))
    if test:
        study.set_user_attr("test", None)  # of an earlier winner
        study.set_user_attr("refit", to_plain(fitted.record))
        purpose = f"final evaluation, {description}"
        results = measure(opened, {winner.number: classifier}, winner.number, purpose)
    export_model(card, classifier.network, opened.paths.model_dir)
    if test:  # last: a study that has its test result has its model too
        study.set_user_attr("test", to_plain(results[winner.number]))
    write_model_readme(read_study(study), opened.paths)
    if opened.paths.checkpoints_dir.exists():
        shutil.rmtree(opened.paths.checkpoints_dir)
