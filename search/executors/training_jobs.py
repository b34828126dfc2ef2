"""The jobs that train: folds of a trial, and the winner on all training images.

They know nothing of Optuna.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, TypeAlias, final

import torch

from search.data.cache import load_train_split
from search.data.dataset import ChannelStatistics, DatasetInfo, TrainSplit, channel_statistics
from search.data.predictions import FoldPredictions, fits, save_fold_predictions
from search.data.splits import Fold, load_folds
from search.errors import MachineError, describe_error
from search.executors.base import Channel, FoldEpochs
from search.executors.failures import FailureKind, describe_failure, kind_of_failure
from search.executors.job_files import JobFiles, Place, moved_dataset
from search.executors.probes import use_threads
from search.metric import ACCURACY
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
from search.user_metric import metric_file, metric_from
from spaces.candidate import Candidate, load_candidate
from spaces.families import FamilySource
from spaces.inputs import input_paths, relocated

Ending: TypeAlias = Literal["finished", "paused", "stopped", "diverged"] | FailureKind
"""How a training ended; one that paused may be continued by another job."""


@final
@dataclass(frozen=True)
class TrialOutcome:
    """How a trial's training ended.

    Attributes:
        ended: The ending.
        reason: Why it diverged or failed.
        fallback: Why its steps were not captured as a CUDA graph on a GPU, where they were not.
        latency: Milliseconds that the network takes for one image, if that was to be measured.
        damaged: Folds whose newest checkpoint was damaged, so that an older one was used, or none.
    """

    ended: Ending
    reason: str | None = None
    fallback: str | None = None
    damaged: tuple[int, ...] = ()
    latency: float | None = None


@final
@dataclass(frozen=True)
class TrialJob:
    """Everything that is needed to train some folds of one trial; small, so that it travels.

    Attributes:
        index: The trial's index in the plan, which decides its seeds.
        candidate: What is trained, as JSON.
        families: The code of its network, if that is the user's own.
        folds: The folds to train, in lockstep.
        statistics: For each fold of the study, those of that fold's training part only.
        decision_epochs: Epochs after which the job waits shortly for a decision.
        folder: Where it reports and is answered.
        checkpoints: Where the folds' states are kept every `checkpoint_every` epochs (0: never),
            and found by a later attempt.
        network: Where the weights of the first of the folds are kept once trained, if anywhere.
        predictions: Where predictions of the validation images are kept once trained, if anywhere.
        pause_after: The epoch after which it pauses: its states are kept for a job that continues.
        metric: What trials are scored by, as the recipe names it.
        measures_latency: Whether to measure how long the trained network takes for one image.
        metric_copy: Where its file is, if that is not where its name says.
        candidate_copy: The candidate with the paths of the machine that trains it, if they differ.
    """

    index: int
    candidate: str
    folds: tuple[int, ...]
    dataset: DatasetInfo
    folds_path: Path
    folds_hash: str
    statistics: tuple[ChannelStatistics, ...]
    study_seed: int
    settings: TrainingSettings
    threads: int
    decision_epochs: frozenset[int]
    folder: Path
    checkpoints: Path
    checkpoint_every: int = 1
    network: Path | None = None
    pause_after: int | None = None
    families: FamilySource | None = None
    metric: str = ACCURACY.name
    measures_latency: bool = False
    metric_copy: Path | None = None
    candidate_copy: str | None = None
    predictions: Path | None = None

    def run(self, channel: Channel) -> TrialOutcome:
        """Train until the end, a divergence or a request to stop; never raises."""
        try:
            torch.set_num_threads(self.threads)
            return _train_folds(self, channel)
        except Exception as error:  # noqa: BLE001  # the outcome carries it; other trials continue
            return TrialOutcome(kind_of_failure(error, self._own()), describe_failure(error))

    def _own(self) -> tuple[Path, ...]:
        """Return the files and folders that it reads and writes."""
        read = (self.folder, self.checkpoints, self.folds_path, self.dataset.cache_dir)
        return (*read, *(result.parent for result in self._results()))

    def _results(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.network, self.predictions) if path is not None)

    def files(self) -> JobFiles:
        """Return the images, the folds, what the network starts from, its states and results."""
        inputs = (self.folds_path, *input_paths(self.candidate))
        return JobFiles(self.dataset, inputs, self.metric, self.checkpoints, self._results())

    def moved(self, place: Place) -> Self:
        """Return the same job for a machine where its files are elsewhere."""
        metric = metric_file(self.metric)
        return replace(
            self,
            dataset=moved_dataset(self.dataset, place),
            folds_path=place(self.folds_path),
            metric_copy=None if metric is None else place(metric),
            candidate_copy=relocated(self.candidate, place),
            folder=place(self.folder),
            checkpoints=place(self.checkpoints),
            network=None if self.network is None else place(self.network),
            predictions=None if self.predictions is None else place(self.predictions),
        )


def _train_folds(job: TrialJob, channel: Channel) -> TrialOutcome:
    checkpoints = checkpoints_of(job)
    damaged = tuple(number for number in job.folds if checkpoints.damaged(number))
    folds = dict(_folds(job, checkpoints))
    with AsyncCheckpointWriter(checkpoints, job.checkpoint_every) as writer:
        outcome = _train_epochs(job, folds, writer, channel)
    if job.network is not None and outcome.ended == "finished":
        save_weights(job.network, folds[0].model)
    if job.predictions is not None and outcome.ended == "finished":
        _save_predictions(job, job.predictions, folds)
    latency = None
    if job.measures_latency and outcome.ended in ("finished", "diverged"):
        latency = next(iter(folds.values())).latency()
    return replace(outcome, damaged=damaged, latency=latency)


def _save_predictions(job: TrialJob, path: Path, trained: Mapping[int, FoldTraining]) -> None:
    """Write what the folds predicted, if all of them kept it."""
    kept = {number: fold.predictions() for number, fold in trained.items()}
    known = {number: one for number, one in kept.items() if one is not None}
    if len(known) < len(kept):
        return
    folds, labels = load_folds(job.folds_path, job.folds_hash), load_train_split(job.dataset).labels
    images = {number: folds[number].validation for number in known}
    save_fold_predictions(
        path,
        {
            number: FoldPredictions(images[number], labels[images[number]].numpy(), one.numpy())
            for number, one in known.items()
        },
    )


def _train_epochs(
    job: TrialJob,
    folds: Mapping[int, FoldTraining],
    writer: AsyncCheckpointWriter,
    channel: Channel,
) -> TrialOutcome:
    fallback = next((fold.fallback for fold in folds.values() if fold.fallback), None)
    last = job.settings.epochs
    for epoch, figures in enumerate(run_epochs(list(folds.values()), last), start=1):
        if diverged(figures):
            return TrialOutcome("diverged", _divergence(job, figures, epoch), fallback)
        writer.write(epoch, folds, ended=epoch == last and job.network is None)
        channel.send(figures)
        pausing = epoch == job.pause_after
        if pausing or channel.stop_requested(wait=epoch in job.decision_epochs):
            writer.write(epoch, folds, stopping=True)
            return TrialOutcome("paused" if pausing else "stopped", fallback=fallback)
    return TrialOutcome("finished", fallback=fallback)


def _folds(job: TrialJob, checkpoints: Checkpoints) -> Iterator[tuple[int, FoldTraining]]:
    """Yield each fold's number and training, all on one copy of the data."""
    with _code_needed():
        candidate = load_candidate(job.candidate_copy or job.candidate, job.families)
        metric = metric_from(job.metric, job.metric_copy)
    data = load_train_split(job.dataset).to(job.settings.device)
    folds, classes = load_folds(job.folds_path, job.folds_hash), len(job.dataset.class_names)
    for number in job.folds:
        task, state = _fold_task(job, candidate, number, folds[number]), checkpoints.load(number)
        fit = fits(job.settings.epochs, len(folds[number].validation), classes)
        training = FoldTraining(
            candidate,
            task,
            data,
            classes,
            job.settings,
            resume=state,
            metric=metric,
            keeps_predictions=job.predictions is not None and fit,
        )
        yield number, training


@contextmanager
def _code_needed() -> Iterator[None]:
    """Turn an ImportError of the block into a MachineError: the code ran when the study began."""
    try:
        yield
    except ImportError as error:
        raise MachineError(f"it cannot import the study's code: {describe_error(error)}") from error


def checkpoints_of(job: TrialJob) -> Checkpoints:
    """Return the checkpoints of this job's folds."""
    facts = (job.candidate, job.dataset.fingerprint, job.folds_hash, job.study_seed, job.index)
    key = training_key(*facts, job.settings, job.threads, torch.__version__)
    return Checkpoints(job.checkpoints, key)


def _fold_task(job: TrialJob, candidate: Candidate, number: int, fold: Fold) -> FoldTask:
    rate = candidate.optimizer.learning_rate
    return FoldTask(
        train=torch.from_numpy(fold.train),
        validation=torch.from_numpy(fold.validation),
        statistics=job.statistics[number],
        schedule=candidate.schedule.build(rate, job.settings.epochs),
        seed=derive_seed(job.study_seed, "trial", job.index, "fold", number),
    )


def _divergence(job: TrialJob, figures: FoldEpochs, epoch: int) -> str:
    pairs = zip(job.folds, figures, strict=True)
    folds = [str(number) for number, fold in pairs if diverged((fold,))]
    return f"loss not finite in epoch {epoch}, fold {', '.join(folds)}"


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
    """Everything that is needed to train the winner on all training images.

    Attributes:
        index: The winner's index in the plan, which decides its seeds.
        candidate: What is trained, as JSON.
        families: The code of its network, if that is the user's own.
        epochs: How many epochs to train; `settings.epochs` is the schedule's horizon.
        learning_rates: The median rate over folds of each epoch of the search, which a schedule
            that follows the validation loss repeats.
        threads: How many threads compute; they are part of what is repeatable.
        folder: Where it reports and is asked to stop.
        checkpoints: Where its state is kept every `checkpoint_every` epochs (0: never).
        weights: Where the trained weights are written, as safetensors.
        candidate_copy: The candidate with the paths of the machine that trains it, if they differ.
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
    families: FamilySource | None = None
    candidate_copy: str | None = None

    def run(self, channel: Channel) -> RefitOutcome:
        """Train until the end, a divergence or a request to stop; never raises."""
        try:
            with use_threads(self.threads):
                return _train_winner(self, channel)
        except Exception as error:  # noqa: BLE001  # the outcome carries it
            own = (self.folder, self.checkpoints, self.weights, self.dataset.cache_dir)
            return RefitOutcome(kind_of_failure(error, own), describe_failure(error))

    def files(self) -> JobFiles:
        """Return the images, its states and the weights that it leaves."""
        inputs = input_paths(self.candidate)
        return JobFiles(self.dataset, inputs, None, self.checkpoints, (self.weights,))

    def moved(self, place: Place) -> Self:
        """Return the same job for a machine where its files are elsewhere."""
        return replace(
            self,
            dataset=moved_dataset(self.dataset, place),
            folder=place(self.folder),
            checkpoints=place(self.checkpoints),
            weights=place(self.weights),
            candidate_copy=relocated(self.candidate, place),
        )


def _train_winner(job: RefitJob, channel: Channel) -> RefitOutcome:
    data = load_train_split(job.dataset).to(job.settings.device)
    with _code_needed():
        candidate = load_candidate(job.candidate_copy or job.candidate, job.families)
    task = _refit_task(job, data, candidate)
    facts = (job.candidate, job.dataset.fingerprint, task.seed, task.schedule)
    key = training_key(*facts, job.settings, job.threads, torch.__version__)
    checkpoints, classes = Checkpoints(job.checkpoints, key), len(job.dataset.class_names)
    resume = checkpoints.load(0)
    training = FoldTraining(candidate, task, data, classes, job.settings, resume=resume)
    with AsyncCheckpointWriter(checkpoints, job.checkpoint_every) as writer:
        outcome = _refit_epochs(job, training, writer, channel)
    if outcome.ended == "finished":
        save_weights(job.weights, training.model)
    return RefitOutcome(outcome.ended, outcome.reason, outcome.history, task.statistics)


def _refit_task(job: RefitJob, data: TrainSplit, candidate: Candidate) -> FoldTask:
    everything = torch.arange(len(data.labels))
    rate, horizon = candidate.optimizer.learning_rate, job.settings.epochs
    return FoldTask(
        train=everything,
        validation=None,
        statistics=channel_statistics(data.images, everything),
        schedule=candidate.schedule.refit(rate, horizon, job.learning_rates),
        seed=derive_seed(job.study_seed, "trial", job.index, "refit"),
    )


def _refit_epochs(
    job: RefitJob, training: FoldTraining, writer: AsyncCheckpointWriter, channel: Channel
) -> RefitOutcome:
    history = History()
    for epoch, figures in enumerate(run_epochs([training], job.epochs), start=1):
        if diverged(figures):
            return RefitOutcome("diverged", f"in epoch {epoch}", history)
        history = History((*history.epochs, figures))
        stop = channel.stop_requested()
        writer.write(epoch, {0: training}, stopping=stop)
        channel.send(figures)
        if stop and epoch < job.epochs:
            return RefitOutcome("stopped", history=history)
    if not all(bool(value.isfinite().all()) for value in training.model.state_dict().values()):
        return RefitOutcome("diverged", f"in epoch {job.epochs}", history)
    return RefitOutcome("finished", history=history)
