"""Trains the winner anew on all folds together, for E* epochs, without looking at anything."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo
from search.data.statistics import ChannelStatistics, channel_statistics
from search.errors import MachineError
from search.recipe import Recipe
from search.seeding import derive_seed
from search.study.jobs import training_settings
from search.study.records import RefitRecord, TrialRecord
from search.training.fold import FoldTask, FoldTraining
from search.training.history import History
from search.training.lockstep import diverged, run_epochs
from search.training.schedules import refit_schedule
from search.training.settings import TrainingSettings
from spaces import Candidate


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
    progress: Callable[[int, int], None],
) -> Refit:
    """Return the winner trained on the whole training split; `progress` gets (epoch, epochs).

    Raises MachineError where the loss stops being finite.
    """
    if winner.candidate is None or winner.best_epoch is None:
        raise ValueError(f"winner must be a complete trial, got trial {winner.number}")
    start = time.monotonic()
    settings, candidate = training_settings(recipe), winner.candidate
    data = load_train_split(dataset).to(settings.device)
    everything = torch.arange(dataset.n_train)
    statistics = channel_statistics(data.images, everything)
    task = FoldTask(
        train=everything,
        validation=None,
        statistics=statistics,
        schedule=refit_schedule(
            candidate.schedule,
            candidate.optimizer.learning_rate,
            recipe.epochs,
            winner.history.learning_rates(),
        ),
        seed=derive_seed(recipe.seed, "trial", winner.plan, "refit"),
    )
    training = FoldTraining(candidate, task, data, len(dataset.class_names), settings)
    history = _train(training, winner.best_epoch, progress)
    record = RefitRecord(
        trial=winner.number,
        epochs=winner.best_epoch,
        history=history,
        seconds=time.monotonic() - start,
        threads=torch.get_num_threads(),
    )
    return Refit(training.model, candidate, statistics, settings, record)


def _train(training: FoldTraining, epochs: int, progress: Callable[[int, int], None]) -> History:
    history = History()
    for epoch, figures in enumerate(run_epochs([training], epochs), start=1):
        if diverged(figures):
            raise MachineError(_diverged(epoch))
        history = History((*history.epochs, figures))
        progress(epoch, epochs)
    if not all(bool(value.isfinite().all()) for value in training.model.state_dict().values()):
        raise MachineError(_diverged(epochs))
    return history


def _diverged(epoch: int) -> str:
    return (
        f"the refit diverged in epoch {epoch}, though the folds did not; the study is kept: "
        "run it again with more trials or another --precision"
    )
