"""What a worker does: trains the networks of one trial and reports; knows nothing of Optuna."""

import errno
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, final

import torch
from pydantic import TypeAdapter

from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo
from search.data.splits import Fold, load_folds
from search.data.statistics import ChannelStatistics
from search.paths import TrialPaths
from search.seeding import derive_seed
from search.training.checkpoints import (
    AsyncCheckpointWriter,
    Checkpoints,
    save_weights,
    training_key,
)
from search.training.history import FoldEpoch
from search.training.schedules import build_schedule
from search.training.settings import TrainingSettings
from search.training.trainer import FoldTask, FoldTraining, diverged, run_epochs
from spaces.candidate import Candidate

# torch's allocators raise plain RuntimeErrors on a CPU; CUDA itself and its libraries do, when they
# and not torch's allocator meet the end of the memory, as while a process starts on a full GPU.
_MEMORY = re.compile(
    r"DefaultCPUAllocator: (not enough memory|can't allocate memory)"
    r"|CUDA error: out of memory"
    r"|CU(DNN|BLAS)_STATUS_ALLOC_FAILED"
)


_TRIED = re.compile(r"ried to allocate (\d[\d.]* \w+)")  # what follows fills several lines
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def is_unwritable(error: BaseException) -> bool:
    """Return whether the disk is full, read-only or broken."""
    return isinstance(error, OSError) and error.errno in _UNWRITABLE


def describe_failure(error: BaseException) -> str:
    """Return "oom: ..." where memory, a GPU's or the machine's, was too small; else "Type: ...".

    What follows is how much was asked for, or else the first line of the error's message.
    """
    name, first_line = type(error).__name__, _first_line(error)
    if _is_out_of_memory(error):
        tried = _TRIED.search(first_line)
        return f"oom: could not allocate {tried[1]}" if tried else f"oom: {first_line or name}"
    return f"{name}: {first_line}"


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(_MEMORY.search(str(error)))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0]


_EPOCH = TypeAdapter(tuple[FoldEpoch, ...])
_POLL_SECONDS = 0.005


@final
class WorkerEnd:
    """Reports epochs and asks whether to stop."""

    def __init__(self, paths: TrialPaths) -> None:
        self._paths = paths
        self._sent = 0
        paths.trial_dir.mkdir(parents=True, exist_ok=True)

    def send(self, figures: tuple[FoldEpoch, ...]) -> None:
        """Append one epoch's figures."""
        with self._paths.epochs.open("ab") as file:
            file.write(_EPOCH.dump_json(figures) + b"\n")
        self._sent += 1

    def told_to_stop(self, *, patience: float) -> bool:
        """Return the coordinator's answer, waiting for at most `patience` seconds.

        Without an answer the trial goes on: what it trains in vain is dropped later.
        """
        deadline = time.monotonic() + patience
        while True:
            answer = _read_answer(self._paths)
            if answer is not None and (answer["stop"] or answer["epoch"] >= self._sent):
                return bool(answer["stop"])
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)


@final
class CoordinatorEnd:
    """Reads what a trial reports and answers it."""

    def __init__(self, paths: TrialPaths) -> None:
        self._paths = paths
        self._offset = 0
        self._answered: tuple[int, bool] = (0, False)
        paths.trial_dir.mkdir(parents=True, exist_ok=True)

    def receive(self) -> list[tuple[FoldEpoch, ...]]:
        """Return the epochs reported since the last call."""
        if not self._paths.epochs.exists() or self._paths.epochs.stat().st_size <= self._offset:
            return []
        with self._paths.epochs.open("rb") as file:
            file.seek(self._offset)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._offset += len(whole) + 1
        return [_EPOCH.validate_json(line) for line in whole.split(b"\n")]

    def answer(self, epoch: int, *, stop: bool) -> None:
        """Say that everything up to `epoch` was seen, and whether the trial should stop."""
        if (epoch, stop) == self._answered:
            return
        temporary = self._paths.answer.with_suffix(".tmp")
        temporary.write_text(json.dumps({"epoch": epoch, "stop": stop}), encoding="utf-8")
        temporary.replace(self._paths.answer)
        self._answered = (epoch, stop)


def _read_answer(paths: TrialPaths) -> dict[str, int] | None:
    if not paths.answer.exists():
        return None
    answer: dict[str, int] = json.loads(paths.answer.read_text(encoding="utf-8"))
    return answer


@final
@dataclass(frozen=True)
class TrialJob:
    """Everything a worker needs to train one trial; small, so that it travels.

    `folds` are those to train, in lockstep. `statistics` holds one value for each fold of the
    study, of that fold's training part alone. After the epochs
    in `decision_epochs` the worker waits shortly to be told whether to go on. Every
    `checkpoint_every` epochs (0: never) the folds' states are kept in `checkpoints`, where a later
    attempt finds them. `network` is where
    the weights of the first of the folds are kept once they are trained, if anywhere.
    """

    plan: int
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
    paths: TrialPaths
    checkpoints: Path
    checkpoint_every: int = 1
    network: Path | None = None


@final
@dataclass(frozen=True)
class TrialOutcome:
    """How a trial's training ended; `reason` says why it failed.

    It is "unwritable" where the disk takes no more, which no other trial could help.
    `fallback` says why its steps were not recorded on a GPU, where they were not; `damaged` are the
    folds whose newest checkpoint could not be gone on from, as it is damaged.
    """

    ended: Literal["finished", "stopped", "diverged", "failed", "unwritable"]
    reason: str | None = None
    fallback: str | None = None
    damaged: tuple[int, ...] = ()


def run_trial(job: TrialJob) -> TrialOutcome:
    """Train a trial, reporting every epoch; never raises."""
    try:
        torch.set_num_threads(job.threads)
        return _train(job)
    except Exception as error:  # noqa: BLE001  # the record carries it; siblings must go on
        ended: Literal["failed", "unwritable"] = "unwritable" if is_unwritable(error) else "failed"
        return TrialOutcome(ended, describe_failure(error))


def _train(job: TrialJob) -> TrialOutcome:
    checkpoints = _checkpoints(job)
    damaged = tuple(number for number in job.folds if checkpoints.damaged(number))
    folds = dict(_folds(job, checkpoints))
    with AsyncCheckpointWriter(checkpoints, job.checkpoint_every) as writer:
        outcome = _run_epochs(job, folds, writer)
    if job.network is not None and outcome.ended == "finished":
        save_weights(job.network, folds[0].model)
    return replace(outcome, damaged=damaged)


def _run_epochs(
    job: TrialJob, folds: Mapping[int, FoldTraining], writer: AsyncCheckpointWriter
) -> TrialOutcome:
    fallback = next((fold.fallback for fold in folds.values() if fold.fallback), None)
    last, channel = job.settings.epochs, WorkerEnd(job.paths)
    for epoch, figures in enumerate(run_epochs(list(folds.values()), last), start=1):
        if diverged(figures):
            return TrialOutcome("diverged", _divergence(job, figures, epoch), fallback)
        writer.write(epoch, folds, ended=epoch == last and job.network is None)
        channel.send(figures)
        patience = 2.0 if epoch in job.decision_epochs else 0.0
        if channel.told_to_stop(patience=patience):
            writer.write(epoch, folds, stopping=True)
            return TrialOutcome("stopped", fallback=fallback)
    return TrialOutcome("finished", fallback=fallback)


def _folds(job: TrialJob, checkpoints: Checkpoints) -> Iterator[tuple[int, FoldTraining]]:
    """Yield each fold's number and training, all on one copy of the data."""
    candidate = Candidate.from_json(job.candidate)
    data = load_train_split(job.dataset).to(job.settings.device)
    folds, classes = load_folds(job.folds_path, job.folds_hash), len(job.dataset.class_names)
    for number in job.folds:
        task, state = _task(job, candidate, number, folds[number]), checkpoints.load(number)
        yield number, FoldTraining(candidate, task, data, classes, job.settings, resume=state)


def _checkpoints(job: TrialJob) -> Checkpoints:
    facts = (job.candidate, job.dataset.fingerprint, job.folds_hash, job.study_seed, job.plan)
    key = training_key(*facts, job.settings, job.threads, torch.__version__)
    return Checkpoints(job.checkpoints, key)


def _task(job: TrialJob, candidate: Candidate, number: int, fold: Fold) -> FoldTask:
    rate = candidate.optimizer.learning_rate
    return FoldTask(
        train=torch.from_numpy(fold.train),
        validation=torch.from_numpy(fold.validation),
        statistics=job.statistics[number],
        schedule=build_schedule(candidate.schedule, rate, job.settings.epochs),
        seed=derive_seed(job.study_seed, "trial", job.plan, "fold", number),
    )


def _divergence(job: TrialJob, figures: tuple[FoldEpoch, ...], epoch: int) -> str:
    pairs = zip(job.folds, figures, strict=True)
    folds = [str(number) for number, fold in pairs if diverged((fold,))]
    return f"loss not finite in epoch {epoch}, fold {', '.join(folds)}"
