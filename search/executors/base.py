"""What an executor is: slots in which jobs run, and the channel between a job and the scheduler.

To add an executor: write its class in a new module, and list it in `EXECUTORS` of
`search.executors`.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol, Self, TypeAlias, TypeVar, final

from pydantic import TypeAdapter

from search.executors.cluster.settings import ClusterSettings
from search.files import write_file
from search.training.history import FoldEpoch

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

FoldEpochs: TypeAlias = tuple[FoldEpoch, ...]
"""The figures of one epoch, one value for each fold that a job trains."""

_EPOCHS = TypeAdapter(FoldEpochs)
_PATIENCE_SECONDS = 2.0
_ANSWER_POLL_SECONDS = 0.005
_REPORT_POLL_SECONDS = 0.1  # a fifth of that costs 2% of a core


class Channel(Protocol):
    """A job's end of its connection with the scheduler."""

    def send(self, figures: FoldEpochs) -> None:
        """Report one epoch."""

    def stop_requested(self, *, wait: bool = False) -> bool:
        """Return whether the job should end after this epoch.

        With `wait`, wait shortly for an answer to the epochs that were sent. Without an answer the
        job continues; epochs after a later decision to stop are discarded.
        """


class JobChannel(Protocol):
    """The scheduler's end of a job's connection.

    Attributes:
        folder: The job's folder, by which it is known.
        hosts: The machines of a cluster that it has run on, the present one last.
    """

    folder: Path
    hosts: tuple[str, ...] = ()

    def receive(self) -> list[FoldEpochs]:
        """Return the epochs reported since the last call."""

    def answer(self, epoch: int, *, stop: bool) -> None:
        """Acknowledge the epochs up to `epoch`, and say whether the job should stop."""


class Job(Protocol[T_co]):
    """Work for an executor: a picklable value."""

    @property
    def folder(self) -> Path | None:
        """Return the folder of the messages to and from the scheduler; None: there are none."""

    def run(self, channel: Channel) -> T_co:
        """Do the work and return its result."""


@final
class WorkerChannel(Channel):
    """The job's end of a channel through files; `patience` is in seconds.

    Raises OSError, as its methods do, if the folder in which its own is created is not there.
    """

    def __init__(self, folder: Path, patience: float = _PATIENCE_SECONDS) -> None:
        self._folder, self._patience = folder, patience
        self._sent = 0
        folder.mkdir(exist_ok=True)

    def send(self, figures: FoldEpochs) -> None:
        with _epochs_file(self._folder).open("ab") as file:
            file.write(_EPOCHS.dump_json(figures) + b"\n")
        self._sent += 1

    def stop_requested(self, *, wait: bool = False) -> bool:
        deadline = time.monotonic() + (self._patience if wait else 0.0)
        while True:
            answer = self._answer()
            if answer is not None and (answer["stop"] or answer["epoch"] >= self._sent):
                return bool(answer["stop"])
            if time.monotonic() >= deadline:
                return False
            time.sleep(_ANSWER_POLL_SECONDS)

    def _answer(self) -> dict[str, int] | None:
        file = _answer_file(self._folder)
        if not file.exists():
            return None
        answer: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
        return answer


@final
class SchedulerChannel(JobChannel):
    """The scheduler's end of a channel through files.

    Raises OSError, as its methods do, if the folder in which its own is created is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._offset = 0
        self._answered: tuple[int, bool] = (0, False)
        folder.mkdir(exist_ok=True)

    def receive(self) -> list[FoldEpochs]:
        epochs = _epochs_file(self.folder)
        if not epochs.exists() or epochs.stat().st_size <= self._offset:
            return []
        with epochs.open("rb") as file:
            file.seek(self._offset)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._offset += len(whole) + 1
        return [_EPOCHS.validate_json(line) for line in whole.split(b"\n")]

    def answer(self, epoch: int, *, stop: bool) -> None:
        if (epoch, stop) == self._answered:
            return
        write_file(_answer_file(self.folder), json.dumps({"epoch": epoch, "stop": stop}))
        self._answered = (epoch, stop)


def _epochs_file(folder: Path) -> Path:
    return folder / "epochs.jsonl"


def _answer_file(folder: Path) -> Path:
    return folder / "answer.json"


@final
class DirectChannel(Channel):
    """A channel by function calls, for a job that runs in the scheduler's process."""

    def __init__(
        self, report: Callable[[FoldEpochs], None], stop_requested: Callable[[], bool]
    ) -> None:
        self._report, self._stop_requested = report, stop_requested

    def send(self, figures: FoldEpochs) -> None:
        self._report(figures)

    def stop_requested(self, *, wait: bool = False) -> bool:
        del wait
        return self._stop_requested()


def ignore_report(figures: FoldEpochs) -> None:
    """Discard a report."""
    del figures


def never_stop() -> bool:
    """Return False."""
    return False


def run_job(job: Job[T], *, patience: float = _PATIENCE_SECONDS) -> T:
    """Run a job whose messages are files; `patience` is in seconds."""
    if job.folder is None:
        return job.run(DirectChannel(ignore_report, never_stop))
    return job.run(WorkerChannel(job.folder, patience))


class Executor(ABC):
    """A number of slots in which one job each can run; a context manager that closes itself.

    Attributes:
        name: What `search.executors.get_executor` calls it.
        is_elsewhere: Whether slots have machines of their own and do not share this one's cores.
    """

    name: ClassVar[str]
    is_elsewhere: ClassVar[bool] = False

    @classmethod
    def start(cls, slots: int, threads: int, cluster: ClusterSettings | None = None) -> Self:
        """Return an executor.

        Args:
            slots: The number of slots, if it can have several; 0: as it likes.
            threads: Threads of each.
            cluster: How its cluster is reached, if it runs on one.

        Raises UserError if it needs a cluster and cannot reach it.
        """
        del slots, threads, cluster
        return cls()

    @property
    @abstractmethod
    def slots(self) -> int:
        """Return how many jobs can run at once."""

    def capacity(self) -> int | None:
        """Return how many jobs run at once unless the user says; None: as suits this machine."""
        return None

    def take_news(self) -> list[str]:
        """Return what users should know and were not told yet, as of workers that are refused."""
        return []

    def reconnect(self) -> bool:
        """Try to reach the place where jobs run after a MachineError that may pass.

        Returns whether it can be reached; what ran there is lost.
        """
        return True

    def resize(self, slots: int) -> None:
        """Change the number of slots, if it can change; surplus ones must be idle."""
        del slots

    def channel(self, folder: Path) -> JobChannel:
        """Return the scheduler's end of the connection with the job of that folder.

        Call it before the job is submitted.
        """
        return SchedulerChannel(folder)

    @abstractmethod
    def submit(self, slot: int, job: Job[T]) -> "Future[T]":
        """Start a job in the slot (0 to slots - 1), which must be idle."""

    @abstractmethod
    def kill(self, slot: int) -> None:
        """Kill the job in the slot; its future gets an exception."""

    @abstractmethod
    def close(self) -> None:
        """Kill whatever still runs, and release all resources."""

    def run(
        self,
        job: Job[T],
        report: Callable[[FoldEpochs], None] = ignore_report,
        stop_requested: Callable[[], bool] = never_stop,
    ) -> T:
        """Run one job to its end in slot 0, passing on its reports and the request to stop.

        Raises whatever the job raises, RuntimeError if its process died, and MachineError if the
        place where it ran is out of reach.
        """
        if job.folder is None:
            return self.submit(0, job).result()
        channel = self.channel(job.folder)
        future, received, done = self.submit(0, job), 0, False
        while not done:
            wait([future], timeout=_REPORT_POLL_SECONDS)
            done = future.done()  # first, so that what came before the end is read below
            for figures in channel.receive():
                received += 1
                report(figures)
            if stop_requested():
                channel.answer(received, stop=True)
        return future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()
