"""The worker's side: runs jobs in a process of its own, and passes messages on.

Dask's worker does not train itself: its process stays responsive, and a training can be killed at
once without the worker. The training process is the same as on the coordinator's machine.
"""

import asyncio
import hashlib
import multiprocessing
import os
import platform
import signal
import threading
from collections.abc import Callable
from concurrent.futures import wait
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, cast, final

import dask
import distributed
from distributed import WorkerPlugin, get_worker

from search.executors.base import SchedulerChannel
from search.executors.cluster.devices import hardware_kind
from search.executors.cluster.messages import (
    Answer,
    DaemonError,
    LeavingError,
    PackedJob,
    RemoteResult,
    RemoteTask,
    dump_epoch,
    make_message,
    topic_of,
)
from search.executors.process_settings import start_server
from search.executors.processes import ProcessExecutor
from search.files import remove_folder
from search.stopping import STOP_SIGNALS

AGENT = "cifar-search-agent"
FOLDER_SETTING = "cifar-search.worker-folder"  # in Dask's configuration
LEAVE_SETTING = "cifar-search.leave-file"
"""A file whose presence says that the worker should leave; in Dask's configuration."""

_POLL_SECONDS = 0.05
_NO_ANSWER = Answer(0, stop=False)
_ENDED = ("cancelled", "released", "forgotten")  # states of a task that nobody waits for


@final
class Greeting(NamedTuple):
    """What a worker says of itself.

    Attributes:
        folder: Where it keeps files for later jobs.
        scratch: Where it keeps those of one attempt.
        versions: Of what decides a result, by name.
        host: The machine's name.
        process: The worker's process there.
        hardware: What it computes with, in words.
    """

    folder: Path
    scratch: Path
    versions: dict[str, str]
    host: str
    process: int
    hardware: str

    @property
    def place(self) -> str:
        """Return host and process in words."""
        return f"{self.host}, process {self.process}"


def own_versions() -> dict[str, str]:
    """Return the versions that have to agree on all machines of a cluster.

    That of this program is not enough: two checkouts may have the same.
    """
    return {
        "cifar-search": version("cifar-search"),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in ("torch", "torchvision", "numpy")},
        "distributed": distributed.__version__,
        "code of cifar-search": _own_code(),
    }


@cache
def _own_code() -> str:
    """Return a hash of this program's Python files."""
    digest = hashlib.sha256()
    for package in ("cifar_models", "spaces", "search"):
        root = Path(str(import_module(package).__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{package}/{path.relative_to(root)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


async def greet(threads: int, dask_worker: Any) -> Greeting:
    """Prepare a worker for jobs, and return what it is; runs there.

    Several runs may do so at the same time. Raises DaemonError if it cannot have processes.
    """
    if multiprocessing.current_process().daemon:
        raise DaemonError
    if AGENT not in dask_worker.plugins:
        await dask_worker.plugin_add(plugin=Agent(threads), name=AGENT)
    agent, host = _agent_of(dask_worker), platform.node()
    await agent.start()
    hardware = await asyncio.to_thread(hardware_kind)
    return Greeting(agent.folder, agent.scratch, own_versions(), host, os.getpid(), hardware)


def deliver(token: str, answer: Answer, dask_worker: Any) -> None:
    """Give a running job the scheduler's answer; runs on its worker."""
    _agent_of(dask_worker).answers[token] = answer


def clear_attempt(folder: Path) -> None:
    """Remove an attempt's files; runs on its worker."""
    remove_folder(folder)


def run_task(task: RemoteTask) -> RemoteResult:
    """Run a job on the worker that this task is on.

    Raises whatever the job raises, and BrokenExecutor if its process died.
    """
    worker = get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        known = worker.state.tasks.get(key)
        return known is not None and known.state not in _ENDED

    return _agent_of(worker).run(task, worker.log_event, is_wanted)


def _agent_of(worker: Any) -> "Agent":
    return cast("Agent", worker.plugins[AGENT])


@final
class Agent(WorkerPlugin):  # type: ignore[misc]  # Dask is partly typed
    """Runs one job at a time for a worker.

    Attributes:
        folder: Where the worker keeps files: beyond its life where its configuration says so.
        scratch: Where it keeps the files of running attempts, one folder for each.
        answers: The latest answer to each attempt.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._processes: ProcessExecutor | None = None
        self._starting = asyncio.Lock()
        self.folder = self.scratch = Path()
        self.answers: dict[str, Answer] = {}

    def setup(self, worker: Any) -> None:
        """Find the worker's folders."""
        own = Path(worker.local_directory)
        self.folder = Path(dask.config.get(FOLDER_SETTING, None) or own)
        self.scratch = scratch_in(own)
        leave_file = dask.config.get(LEAVE_SETTING, None)
        self._leave_file = None if leave_file is None else Path(leave_file)
        self._one_at_a_time = threading.Lock()

    def teardown(self, worker: Any) -> None:
        """Kill the training process."""
        del worker
        if self._processes is not None:
            self._processes.close()

    async def start(self) -> None:
        """Start the training process, unless it is there.

        The event loop's thread starts the server that it is forked from, which ends when that
        thread does. The rest takes seconds, in which the worker has to show signs of life.
        """
        async with self._starting:
            if self._processes is None:
                _leave_signals_to_the_command()
                start_server(self._threads)
                self._processes = await asyncio.to_thread(ProcessExecutor, 1, self._threads)

    def run(
        self,
        task: RemoteTask,
        log_event: Callable[[str, Any], None],
        is_wanted: Callable[[], bool],
    ) -> RemoteResult:
        """Run a job, passing on its epochs; kill it once nobody wants its result.

        If the worker leaves meanwhile, the job stops after its epoch.
        """
        with self._one_at_a_time:
            try:
                if self._is_leaving():
                    raise LeavingError
                task.folder.mkdir(parents=True, exist_ok=True)  # the worker stays as long as that
                return self._run(task, log_event, is_wanted)
            except BaseException:
                remove_folder(task.folder)  # nobody fetches from it any more
                raise
            finally:
                self.answers.pop(task.token, None)

    def _run(
        self,
        task: RemoteTask,
        log_event: Callable[[str, Any], None],
        is_wanted: Callable[[], bool],
    ) -> RemoteResult:
        processes, channel, leaving = self._processes, _channel(task.job), False
        if processes is None:
            raise RuntimeError("the worker has not been greeted")
        future, epochs, done = processes.submit(0, task.job), list[str](), False
        while not done:
            wait([future], timeout=_POLL_SECONDS)
            done = future.done()  # first, so that what came before the end is read below
            for figures in [] if channel is None else channel.receive():
                epochs.append(dump_epoch(figures))
                log_event(topic_of(task.token), make_message(task.token, len(epochs), epochs[-1]))
            leaving = leaving or (not done and self._is_leaving())
            answer = self.answers.get(task.token, _NO_ANSWER)
            if channel is not None and not done and (leaving or answer is not _NO_ANSWER):
                channel.answer(answer.epoch, stop=answer.stop or leaving)
            if not done and not is_wanted():
                processes.kill(0)
        return RemoteResult(future.result(), tuple(epochs), leaving or self._is_leaving())

    def _is_leaving(self) -> bool:
        return self._leave_file is not None and self._leave_file.exists()


def _leave_signals_to_the_command() -> None:
    """Ignore signals to stop, which a terminal or SLURM sends to all processes of a worker.

    The command that serves gets them too, and lets the training end its epoch.
    """
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def scratch_in(local_directory: Path) -> Path:
    """Return where a worker with this folder of its own keeps the files of running attempts."""
    return local_directory / "attempts"


def _channel(job: PackedJob) -> SchedulerChannel | None:
    if job.folder is None:
        return None
    job.folder.parent.mkdir(parents=True, exist_ok=True)
    return SchedulerChannel(job.folder)
