"""One attempt at a job, from sending its files to a worker to fetching what it leaves."""

import threading
import time
import uuid
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast, final

import distributed

from search.data.cache import train_files
from search.data.dataset import DatasetInfo
from search.errors import MachineError, describe_error
from search.executors.base import Job
from search.executors.cluster.agent import Greeting, clear_attempt, deliver, run_task
from search.executors.cluster.messages import (
    LeavingError,
    PackedJob,
    RemoteChannel,
    RemoteResult,
    RemoteTask,
    topic_of,
    unpack,
)
from search.executors.cluster.session import (
    Session,
    UnusableWorkerError,
    Worker,
    WorkerLeftError,
)
from search.executors.cluster.transfer import (
    FileState,
    fetch_file,
    send_file,
    send_text,
    states_there,
)
from search.executors.failures import describe_failure, kind_of_failure
from search.executors.job_files import JobFiles, files_of, moved
from search.files import sha256_of
from search.training.checkpoints import NEWEST, newest_checkpoints
from search.user_metric import metric_code, metric_file

T = TypeVar("T")

_POLL_SECONDS = 0.5  # whatever matters wakes it sooner
_MACHINE_FAILURES = ("fault", "outage")  # endings that are no failure of the job, see FailureKind
_FETCH_SHARE = 0.1  # of the time, at most, for checkpoints while it trains


@final
class Attempt(Generic[T]):
    """A job on its way through a worker, in a thread of its own.

    It moves on to another worker, from its checkpoints, if its worker leaves or cannot run jobs.
    """

    def __init__(self, session: Session, job: Job[T], channel: RemoteChannel) -> None:
        self._session, self._job, self._channel = session, job, channel
        self._token, self._wake = "", threading.Event()
        self._killed = False
        self.future: Future[T] = Future()
        self.future.set_running_or_notify_cancel()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """End the attempt: its future gets an exception, and its training is killed."""
        self._killed = True
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait for its end, for so long at most."""
        self._thread.join(seconds)

    def _run(self) -> None:
        """Set the future's result, or the exception that says why there is none."""
        try:
            result = self._on_workers()
        except BaseException as error:  # noqa: BLE001  # the future carries it
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def _on_workers(self) -> T:
        while True:
            worker = self._session.acquire(self._check_wanted)
            try:
                return self._on(worker)
            except WorkerLeftError:
                self._session.exclude(worker.address)
            except UnusableWorkerError as error:
                self._session.refuse(worker.address, error.reason)
            finally:
                self._session.release(worker.address)

    def _on(self, worker: Worker) -> T:
        self._token = uuid.uuid4().hex
        topic = topic_of(self._token)
        self._channel.open(self._token, worker.greeting.host, self._wake.set)
        try:
            self._session.client.subscribe_topic(
                topic, lambda event: self._channel.accept(event[1])
            )
            return self._train(worker)
        finally:
            self._session.client.unsubscribe_topic(topic)

    def _train(self, worker: Worker) -> T:
        files = files_of(self._job)
        places = Places.of(worker.greeting, self._token, self._job, files)
        _send(worker, files, places, self._token)
        result = self._train_there(worker, files, places)
        worker.call(clear_attempt, places.attempt)  # where it failed, the agent does that
        if result.leaving:
            self._session.exclude(worker.address)
        value = unpack(result.value)
        ended = getattr(value, "ended", None)
        if result.leaving and ended == "stopped" and not self._channel.stop_requested():
            raise WorkerLeftError(f"worker {worker.address} leaves")
        if ended in _MACHINE_FAILURES:
            raise UnusableWorkerError(_failed_there(worker, getattr(value, "reason", None)))
        return cast("T", value)

    def _train_there(self, worker: Worker, files: JobFiles, places: "Places") -> RemoteResult:
        fetched = Checkpoints(worker, files.checkpoints, places)
        job = PackedJob.of(moved(self._job, places.of_path))
        task = RemoteTask(job, self._token, places.attempt)
        running = self._session.client.submit(
            run_task,
            task,
            key=f"cifar-search-{self._token}",
            workers=[worker.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        running.add_done_callback(lambda _: self._wake.set())
        try:
            while not running.done():
                self._wake.wait(_POLL_SECONDS)
                self._wake.clear()
                self._check(worker)
                self._answer(worker)
                fetched.fetch_if_due()
            result = _result(running, worker)
        finally:
            running.cancel()  # which kills what still runs
        fetched.fetch()
        for path in files.results:
            fetch_file(worker, places.of_path(path), path)
        self._channel.complete(result.epochs)
        return result

    def _check(self, worker: Worker) -> None:
        """Raise if the attempt is over without a result."""
        self._check_wanted()
        worker.check()

    def _check_wanted(self) -> None:
        if self._killed:
            raise CancelledError

    def _answer(self, worker: Worker) -> None:
        answer = self._channel.take_answer()
        if answer is not None:
            worker.call(deliver, self._token, answer)


def _result(running: "distributed.Future[Any]", worker: Worker) -> RemoteResult:
    """Return a task's result; raises what its job raised."""
    try:
        result: RemoteResult = running.result()
    except LeavingError as error:
        raise WorkerLeftError(f"worker {worker.address} leaves") from error
    except ImportError as error:
        reason = f"it cannot import the study's code: {describe_error(error)}"
        raise UnusableWorkerError(_failed_there(worker, reason)) from error
    except OSError as error:  # of the worker's own files, around the job
        own = (worker.greeting.folder, worker.greeting.scratch)
        if kind_of_failure(error, own) not in _MACHINE_FAILURES:
            raise
        raise UnusableWorkerError(_failed_there(worker, describe_failure(error))) from error
    except distributed.client.FutureCancelledError as error:
        raise worker.loss() from error
    return result


def _failed_there(worker: Worker, reason: str | None) -> MachineError:
    return MachineError(
        f"worker {worker.address} ({worker.greeting.place}) cannot train: {reason}; everything so "
        "far is kept: mend that or end this worker, then run it again to resume"
    )


# Files


@final
@dataclass(frozen=True)
class Places:
    """Where the files of an attempt are on its worker.

    Datasets and folds, by their content, are kept for later jobs; the rest goes with the attempt.
    """

    attempt: Path
    paths: dict[Path, Path]

    @classmethod
    def of(cls, worker: Greeting, token: str, job: Job[Any], files: JobFiles) -> "Places":
        """Return the places in a worker's folders."""
        folder, attempt = worker.folder, worker.scratch / token
        paths: dict[Path, Path] = {}
        if files.dataset is not None:
            paths[files.dataset.cache_dir] = folder / "datasets" / files.dataset.fingerprint
        for path in files.inputs:
            paths[path] = folder / "inputs" / f"{sha256_of(path)}{path.suffix}"
        if job.folder is not None:
            paths[job.folder] = attempt / "messages"
        if files.checkpoints is not None:
            paths[files.checkpoints] = attempt / "checkpoints"
        for path in files.results:
            paths[path] = attempt / "results" / path.name
        metric = None if files.metric is None else metric_file(files.metric)
        if metric is not None:
            paths[metric] = attempt / "metric" / metric.name
        return cls(attempt, paths)

    def of_path(self, path: Path) -> Path:
        """Return where a path of the coordinator is on the worker."""
        return self.paths[path]


def _send(worker: Worker, files: JobFiles, places: Places, token: str) -> None:
    """Send what the worker does not have; raises UnusableWorkerError if it cannot take it."""
    try:
        _send_files(worker, files, places, token)
    except MachineError as error:
        if error.may_pass:
            raise
        raise UnusableWorkerError(error) from error


def _send_files(worker: Worker, files: JobFiles, places: Places, token: str) -> None:
    if files.dataset is not None:
        _send_dataset(worker, files.dataset, places, token)
    for path in files.inputs:
        send_file(worker, path, places.of_path(path), token)
    if files.checkpoints is not None:
        for path in newest_checkpoints(files.checkpoints):
            send_file(worker, path, places.of_path(files.checkpoints) / path.name, token)
    if files.metric is not None and (file := metric_file(files.metric)) is not None:
        for name, text in metric_code(files.metric):
            send_text(worker, text, places.of_path(file).parent / name)


def _send_dataset(worker: Worker, info: DatasetInfo, places: Places, token: str) -> None:
    """Send the training images and labels, once a worker and run; the test split stays here."""
    if info.fingerprint in worker.datasets:
        return
    for path in train_files(info):
        send_file(worker, path, places.of_path(info.cache_dir) / path.name, token)
    worker.datasets.add(info.fingerprint)


@final
class Checkpoints:
    """A job's states, fetched from its worker so that another one can resume."""

    def __init__(self, worker: Worker, folder: Path | None, places: Places) -> None:
        self._worker, self._folder, self._places = worker, folder, places
        self._known: list[FileState] = []
        self._next = time.monotonic()

    def fetch_if_due(self) -> None:
        """Fetch them if that takes a small part of the time only."""
        started = time.monotonic()
        if started >= self._next:
            self.fetch()
            ended = time.monotonic()
            self._next = ended + (ended - started) / _FETCH_SHARE

    def fetch(self) -> None:
        """Fetch those that have changed."""
        if self._folder is None:
            return
        there = self._places.of_path(self._folder)
        for state in self._worker.call(states_there, there, NEWEST):
            if state not in self._known and fetch_file(
                self._worker, there / state.name, self._folder / state.name
            ):
                self._known.append(state)
