"""What a worker and the coordinator tell each other about one job.

A job's epochs come as numbered events, which may be lost, doubled or late, and once more, whole,
with its result. Each attempt has a token of its own, so that those of an earlier one are dropped.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, NamedTuple, final

from pydantic import TypeAdapter

from search.executors.base import Channel, FoldEpochs, Job, JobChannel
from search.training.history import FoldEpoch

_EPOCHS = TypeAdapter(FoldEpochs)


@final
@dataclass(frozen=True)
class PackedJob:
    """A job that is unpacked in the process that runs it; so is its result in the coordinator's.

    The worker's own process, which answers the scheduler, imports nothing that a job needs.

    Attributes:
        content: The job, pickled.
        folder: That of its messages.
    """

    content: bytes
    folder: Path | None

    @classmethod
    def of(cls, job: Job[Any]) -> "PackedJob":
        """Return a job, packed."""
        return cls(_packed(job), job.folder)

    def run(self, channel: Channel) -> bytes:
        """Run it, and return its result, packed."""
        job: Job[Any] = unpack(self.content)
        return _packed(job.run(channel))


def _packed(value: object) -> bytes:
    return bytes(ForkingPickler.dumps(value))


def unpack(content: bytes) -> Any:
    """Return what was packed in another process, as multiprocessing passes it on.

    Dask does the same with every message of a cluster, which is why others must not reach it.
    """
    return ForkingPickler.loads(content)


@final
@dataclass(frozen=True)
class RemoteTask:
    """A job on its way to a worker.

    Attributes:
        job: The job, with the worker's paths.
        token: The attempt.
        folder: That of the attempt's files there.
    """

    job: PackedJob
    token: str
    folder: Path


@final
@dataclass(frozen=True)
class RemoteResult:
    """What a worker returns.

    Attributes:
        value: The job's result, packed.
        epochs: All epochs that it reported, as JSON.
        leaving: Whether the worker stopped it, as the worker leaves the cluster.
    """

    value: bytes
    epochs: tuple[str, ...]
    leaving: bool = False


@final
class DaemonError(Exception):
    """The worker is a daemon, which may not have a process for the training."""


@final
class LeavingError(Exception):
    """The worker leaves the cluster, and takes no further job."""


@final
class Answer(NamedTuple):
    """The scheduler's latest answer to a job, see `Channel`."""

    epoch: int
    stop: bool


def topic_of(token: str) -> str:
    """Return the topic of an attempt's events."""
    return f"cifar-search-{token}"


def make_message(token: str, number: int, epoch: str) -> dict[str, Any]:
    """Return the event of the epoch with this number, counted from 1 in an attempt."""
    return {"attempt": token, "number": number, "epoch": epoch}


def dump_epoch(figures: tuple[FoldEpoch, ...]) -> str:
    """Return an epoch's figures as JSON, exact to the last bit."""
    return _EPOCHS.dump_json(figures).decode()


@final
class RemoteChannel(JobChannel):
    """The scheduler's end of the connection with a job on a worker; used by several threads."""

    def __init__(self, folder: Path = Path()) -> None:
        self.folder, self.hosts = folder, ()
        self._lock = threading.Lock()
        self._token = ""
        self._epochs: list[FoldEpochs] = []
        self._n_read = 0
        self._answer, self._sent = Answer(0, stop=False), Answer(0, stop=False)
        self._wake: Callable[[], object] | None = None

    def open(self, token: str, host: str, wake: Callable[[], object]) -> None:
        """Accept the events of this attempt, which goes on after the epochs of an earlier one.

        Args:
            token: The attempt.
            host: The machine that it runs on.
            wake: Called once there is an answer to send.
        """
        with self._lock:
            self._token, self._wake = token, wake
            self._sent = Answer(0, stop=False)  # its worker has had none
            self.hosts = (*(one for one in self.hosts if one != host), host)

    def receive(self) -> list[FoldEpochs]:
        with self._lock:
            new = self._epochs[self._n_read :]
            self._n_read = len(self._epochs)
        return new

    def answer(self, epoch: int, *, stop: bool) -> None:
        with self._lock:
            changed, self._answer = self._answer != (epoch, stop), Answer(epoch, stop)
            wake = self._wake
        if changed and wake is not None:
            wake()

    def take_answer(self) -> Answer | None:
        """Return the answer that the job has not got yet, if any."""
        with self._lock:
            if self._answer == self._sent:
                return None
            self._sent = self._answer
            return self._answer

    def stop_requested(self) -> bool:
        """Return whether the scheduler wants the job to stop."""
        with self._lock:
            return self._answer.stop

    def accept(self, message: Mapping[str, Any]) -> None:
        """Take an event, unless it is of another attempt, known, or does not follow the last."""
        with self._lock:
            if message["attempt"] == self._token and message["number"] == len(self._epochs) + 1:
                self._epochs.append(_EPOCHS.validate_json(message["epoch"]))

    def complete(self, epochs: Sequence[str]) -> None:
        """Take the whole record of the attempt that has ended, with what events did not bring."""
        with self._lock:
            missing = epochs[len(self._epochs) :]
            self._epochs += [_EPOCHS.validate_json(epoch) for epoch in missing]
