"""Retrains a complete trial, such as the winner, on all training images."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, replace
from itertools import count
from typing import final

import joblib
import torch

from search.data.dataset import ChannelStatistics, DatasetInfo, Resize
from search.errors import MachineError
from search.evaluation.model import ImageClassifier, load_network
from search.evaluation.refit_length import refit_epochs, stretched
from search.events import Listener, StepProgress
from search.executors.base import Executor
from search.executors.training_jobs import RefitJob
from search.files import remove_folder
from search.paths import RunPaths
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.after_search import RefitRecord
from search.tuning.opening import OpenStudy
from search.tuning.records import TrialRecord
from search.tuning.workload import training_settings
from spaces.families import FamilySource


@final
@dataclass(frozen=True)
class Diverged:
    """A refit whose loss became infinite or NaN, with when that was."""

    when: str

    def error(self) -> MachineError:
        """Return it as an error of the study that needs this refit."""
        return MachineError(
            f"the refit diverged {self.when}, though the folds did not; the study is kept: "
            "run it again with more trials or another `precision`"
        )


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
) -> Refit | Diverged | None:
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
        The trained network, or that it diverged; None if it was stopped.

    Raises:
        MachineError: The training failed.
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
        return Diverged(outcome.reason or "")
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


def refit_trial(
    opened: OpenStudy,
    trial: TrialRecord,
    horizon: int,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
) -> Refit | Diverged | None:
    """Return a complete trial's network, trained on all training images; None if it was stopped.

    It resumes from a checkpoint of the same training. `horizon` has the epochs of its schedule.
    Raises MachineError if the training failed.
    """
    families, name = opened.space.family_source, opened.study.study_name
    job = refit_job(trial, opened.recipe, opened.dataset, opened.paths, horizon, families)
    description = describe_refit(trial.number)

    def progress(epoch: int, epochs: int) -> None:
        listener(StepProgress(description, epoch, epochs))

    with stop.accepted():
        return refit(name, trial, job, executor, progress, stop, opened.recipe.resize)


def describe_refit(number: int) -> str:
    """Name the refit of a trial."""
    return f"refit of trial {number}"


def forget_refit(paths: RunPaths) -> None:
    """Remove the files of a refit whose network is kept elsewhere."""
    remove_folder(paths.refit_dir)
    remove_folder(paths.refit_checkpoints)
