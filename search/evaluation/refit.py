"""Trains the winner anew on all folds together, for E* epochs, without looking at anything."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from torch import nn

from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo, TrainSplit
from search.data.statistics import ChannelStatistics, channel_statistics
from search.errors import MachineError
from search.recipe import Recipe
from search.seeding import derive_seed
from search.training.checkpoints import Checkpoints, training_key
from search.training.fold import FoldTask, FoldTraining
from search.training.history import History
from search.training.keeping import Keeper
from search.training.lockstep import diverged, run_epochs
from search.training.schedules import refit_schedule
from search.training.settings import TrainingSettings
from search.tuning.jobs import training_settings
from search.tuning.records import RefitRecord, TrialRecord
from search.tuning.stopping import StopRequest
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
    with Keeper(checkpoints, recipe.checkpoint_every) as keeper:
        history = _train(training, winner.best_epoch, keeper, progress, stop)
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
    training: FoldTraining, epochs: int, keeper: Keeper, progress: Progress, stop: StopRequest
) -> History | None:
    history, known = History(), len(training.state().history)
    for epoch, figures in enumerate(run_epochs([training], epochs), start=1):
        if diverged(figures):
            raise MachineError(_diverged(epoch))
        history = History((*history.epochs, figures))
        keeper.keep(epoch, {0: training}, leaving=stop.asked())
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
