"""Trains the winner on all training images together."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import torch

from search.data.cache import load_train_split
from search.data.dataset import ChannelStatistics, DatasetInfo, TrainSplit, channel_statistics
from search.executors.base import Channel
from search.executors.failures import describe_failure, is_unwritable
from search.executors.trial_job import Ending
from search.seeding import derive_seed
from search.training.checkpoints import (
    AsyncCheckpointWriter,
    Checkpoints,
    save_weights,
    training_key,
)
from search.training.history import History
from search.training.settings import TrainingSettings
from search.training.trainer import FoldTask, FoldTraining, diverged, run_epochs
from spaces.candidate import Candidate


@final
@dataclass(frozen=True)
class RefitOutcome:
    """How a refit ended.

    Attributes:
        ended: The ending; the weights are written where it is "finished".
        reason: Why it diverged or failed.
        history: The epochs that were trained, without validation figures.
        statistics: Those of all training images, by which images are normalised.
    """

    ended: Ending
    reason: str | None = None
    history: History = field(default_factory=History)
    statistics: ChannelStatistics | None = None


@final
@dataclass(frozen=True)
class RefitJob:
    """Everything that is needed to train the winner on the whole training split.

    Attributes:
        index: The winner's index in the plan, which decides its seeds.
        candidate: What is trained, as JSON.
        epochs: How many epochs to train; `settings.epochs` is the schedule's horizon.
        learning_rates: The median rate over folds of each epoch of the search, which a schedule
            that follows the validation loss repeats.
        threads: How many threads compute; they are part of what is repeatable.
        folder: Where it reports and is told to stop.
        checkpoints: Where its state is kept every `checkpoint_every` epochs (0: never).
        weights: Where the trained weights are written, as safetensors.
    """

    index: int
    candidate: str
    dataset: DatasetInfo
    study_seed: int
    settings: TrainingSettings
    epochs: int
    learning_rates: tuple[float, ...]
    threads: int
    folder: Path
    checkpoints: Path
    checkpoint_every: int
    weights: Path

    def run(self, channel: Channel) -> RefitOutcome:
        """Train to the end, to a divergence or until told to stop; never raises."""
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(self.threads)
            return _train(self, channel)
        except Exception as error:  # noqa: BLE001  # the outcome carries it
            ended: Ending = "unwritable" if is_unwritable(error) else "failed"
            return RefitOutcome(ended, describe_failure(error))
        finally:
            torch.set_num_threads(before)


def _train(job: RefitJob, channel: Channel) -> RefitOutcome:
    data = load_train_split(job.dataset).to(job.settings.device)
    task, candidate = _task(job, data), Candidate.from_json(job.candidate)
    facts = (job.candidate, job.dataset.fingerprint, task.seed, task.schedule)
    key = training_key(*facts, job.settings, job.threads, torch.__version__)
    checkpoints, classes = Checkpoints(job.checkpoints, key), len(job.dataset.class_names)
    resume = checkpoints.load(0)
    training = FoldTraining(candidate, task, data, classes, job.settings, resume=resume)
    with AsyncCheckpointWriter(checkpoints, job.checkpoint_every) as writer:
        outcome = _run_epochs(job, training, writer, channel)
    if outcome.ended == "finished":
        save_weights(job.weights, training.model)
    return RefitOutcome(outcome.ended, outcome.reason, outcome.history, task.statistics)


def _task(job: RefitJob, data: TrainSplit) -> FoldTask:
    everything, candidate = torch.arange(len(data.labels)), Candidate.from_json(job.candidate)
    rate, horizon = candidate.optimizer.learning_rate, job.settings.epochs
    return FoldTask(
        train=everything,
        validation=None,
        statistics=channel_statistics(data.images, everything),
        schedule=candidate.schedule.refit(rate, horizon, job.learning_rates),
        seed=derive_seed(job.study_seed, "trial", job.index, "refit"),
    )


def _run_epochs(
    job: RefitJob, training: FoldTraining, writer: AsyncCheckpointWriter, channel: Channel
) -> RefitOutcome:
    history, known = History(), len(training.state().history)
    for epoch, figures in enumerate(run_epochs([training], job.epochs), start=1):
        if diverged(figures):
            return RefitOutcome("diverged", f"in epoch {epoch}", history)
        history = History((*history.epochs, figures))
        stop = channel.stop_requested()
        writer.write(epoch, {0: training}, stopping=stop)
        if epoch > known:  # and not repeated from the checkpoint
            channel.send(figures)
        if stop and epoch < job.epochs:
            return RefitOutcome("stopped", history=history)
    if not all(bool(value.isfinite().all()) for value in training.model.state_dict().values()):
        return RefitOutcome("diverged", f"in epoch {job.epochs}", history)
    return RefitOutcome("finished", history=history)
