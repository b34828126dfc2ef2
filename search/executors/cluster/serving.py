"""A worker and a scheduler of a cluster, as the commands of these names start them."""

import asyncio
import logging
import os
import platform
import signal
import time
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import dask
from distributed import Nanny, Scheduler, Security

from search.errors import MachineError, UserError, causes, first_line
from search.executors.cluster.agent import FOLDER_SETTING, LEAVE_SETTING, scratch_in
from search.executors.cluster.devices import gpu_settings
from search.executors.cluster.security import security_of, tls_refusal, why_no_answer
from search.executors.cluster.settings import ClusterSettings
from search.executors.process_settings import openmp_settings

_POLL_SECONDS = 0.5
_RETIRE_SECONDS = 10.0
_NAME_TAKEN = "name taken"  # as Dask's scheduler says it


def serve_scheduler(settings: ClusterSettings, tell: Callable[[str], None]) -> None:
    """Serve workers and searches as their scheduler until a signal ends it.

    Args:
        settings: Its address, which begins with `tls://` if it has certificates.
        tell: Called with what a user should know.

    Raises UserError if it cannot listen there, or its certificates cannot be used.
    """
    configuration = {
        "distributed.scheduler.http.routes": [],  # pages that anyone could read
        "distributed.scheduler.allowed-failures": 0,  # searches try trials again themselves
    }
    _configure(configuration)
    security = security_of(settings, "scheduler")
    logging.getLogger("distributed.scheduler").addFilter(_is_no_farewell)
    asyncio.run(_serve_scheduler(settings.address, security, tell))


def _is_no_farewell(record: logging.LogRecord) -> bool:
    """Return whether a line of the log is none about a search or a worker that was killed."""
    return "Closed comm" not in record.getMessage()


async def _serve_scheduler(address: str, security: Security, tell: Callable[[str], None]) -> None:
    stopped = _stop_event()
    scheduler = Scheduler(host=address, security=security, dashboard_address="127.0.0.1:0")
    try:
        await scheduler
    except (OSError, RuntimeError, ValueError) as error:
        reason = first_line(list(causes(error))[-1])
        raise UserError(
            f"host and port: nothing can listen at {address!r} ({reason}); accepted: a name "
            "of this machine and a free port"
        ) from error
    tell(f"scheduler at {address}; Ctrl-C ends it")
    await stopped.wait()
    await scheduler.close(reason="stopped")


def _configure(settings: Mapping[str, Any]) -> None:
    """Set Dask's configuration for this process, which does nothing else, and those it starts."""
    warnings.filterwarnings("ignore", "Couldn't detect a suitable IP", RuntimeWarning)
    dask.config.set(settings)
    logging.getLogger("distributed").setLevel(logging.WARNING)
    logging.getLogger("distributed.nanny").setLevel(logging.CRITICAL)  # what ends is told here


def _stop_event() -> asyncio.Event:
    """Return an event that a signal to stop sets."""
    stopped = asyncio.Event()
    _on_signals(stopped)
    return stopped


def _on_signals(event: asyncio.Event) -> None:
    """Set the event at signals to stop, instead of what they did so far."""
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, event.set)


@final
@dataclass(frozen=True)
class Workers:
    """The workers that one command serves with.

    Attributes:
        settings: How the scheduler is reached.
        folder: Where datasets are kept, between runs too.
        count: How many; each runs one training at a time.
        patience: After how many seconds without a scheduler they end.
        lifetime: After how many seconds they leave; None: never.
        name: Their name in the cluster, followed by a number if there are several.
    """

    settings: ClusterSettings
    folder: Path
    count: int = 1
    patience: float = 300.0
    lifetime: float | None = None
    name: str | None = None

    def names(self) -> list[str | None]:
        """Return the name of each."""
        if self.name is None or self.count == 1:
            return [self.name] * self.count
        return [f"{self.name}-{number}" for number in range(self.count)]


def serve(workers: Workers, tell: Callable[[str], None]) -> None:
    """Serve a scheduler until a signal ends it, or the scheduler is gone for long.

    A first signal, and the end of the lifetime, let what trains end its epoch; a second one does
    not.

    Args:
        workers: The workers.
        tell: Called with what a user should know.

    Raises:
        UserError: The scheduler does not accept this worker, or the other way round.
        MachineError: The scheduler does not answer.
    """
    folder = workers.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    leave_file = leave_file_in(folder, os.getpid())
    configuration = {
        FOLDER_SETTING: str(folder),
        LEAVE_SETTING: str(leave_file),
        "distributed.worker.http.routes": [],  # pages that anyone could read
        "distributed.nanny.pre-spawn-environ": {"DASK_LOGGING__DISTRIBUTED": "critical"},
        "distributed.worker.daemon": False,  # it has a process for the training
    }
    security = security_of(workers.settings, "worker")
    _configure(configuration)
    leave_file.unlink(missing_ok=True)
    try:
        asyncio.run(_Serving(replace(workers, folder=folder), security, leave_file, tell).run())
    finally:
        leave_file.unlink(missing_ok=True)


def leave_file_in(folder: Path, process: int) -> Path:
    """Return the file whose presence has the workers leave that this process serves with."""
    return folder / f".leaving-{platform.node()}-{process}"


@final
class _Serving:
    """Processes with a nanny each, started again if the scheduler was gone."""

    def __init__(
        self,
        workers: Workers,
        security: Security,
        leave_file: Path,
        tell: Callable[[str], None],
    ) -> None:
        self._workers, self._security = workers, security
        self._leave_file, self._tell = leave_file, tell
        self._waits = False  # for a scheduler, which was told

    async def run(self) -> None:
        """Serve until a signal comes or the lifetime is over."""
        leaving, at_once = _stop_event(), asyncio.Event()
        if self._workers.lifetime is not None:
            asyncio.get_running_loop().call_later(self._workers.lifetime, leaving.set)
        while not leaving.is_set():
            nannies = await self._start(leaving)
            ended = asyncio.gather(*(nanny.finished() for nanny in nannies))
            await _first(ended, leaving.wait())
            if leaving.is_set():
                _on_signals(at_once)
                await _first(ended, self._finish(nannies), at_once.wait())
            else:
                self._tell("the scheduler is gone; waiting for it")
                self._waits = True
            await asyncio.gather(*(nanny.close(reason="stopped") for nanny in nannies))

    async def _start(self, leaving: asyncio.Event) -> list[Nanny]:
        """Return started workers; none if they have to leave before there is a scheduler."""
        deadline = time.monotonic() + self._workers.patience
        while not leaving.is_set():
            nannies = [self._nanny(*one) for one in enumerate(self._workers.names())]
            try:
                await asyncio.gather(*nannies)
            except (OSError, TimeoutError, RuntimeError) as error:
                await asyncio.gather(*(nanny.close() for nanny in nannies))
                refusal = self._refusal(error)
                if refusal is not None:
                    raise refusal from error
                if time.monotonic() > deadline:
                    raise MachineError(_no_scheduler(self._workers.settings, error)) from error
                await _first(leaving.wait(), asyncio.sleep(_POLL_SECONDS))
            else:
                self._tell_connected()
                return nannies
        return []

    def _refusal(self, error: BaseException) -> UserError | None:
        """Return the error that says why the scheduler never takes these workers, if it is that."""
        settings, name = self._workers.settings, self._workers.name
        if any(_NAME_TAKEN in str(one) for one in causes(error)):
            return UserError(f"name {name!r} is that of another worker of {settings.address}")
        return tls_refusal(settings, error)

    def _tell_connected(self) -> None:
        workers = self._workers
        where = f"{workers.settings.address}, files in {workers.folder}"
        self._tell("the scheduler is back" if self._waits else f"worker of {where}; Ctrl-C ends it")
        self._waits = False

    def _nanny(self, number: int, name: str | None) -> Nanny:
        return Nanny(
            self._workers.settings.address,
            name=name,
            nthreads=1,  # Dask's: it waits for the training process, which has its own
            memory_limit=0,  # Dask would measure the wrong process
            local_directory=str(self._workers.folder),
            death_timeout=self._workers.patience,
            env=openmp_settings(1) | gpu_settings(number),
            security=self._security,
            dashboard=False,
        )

    async def _finish(self, nannies: Sequence[Nanny]) -> None:
        """Return once what trains has ended its epoch, and its checkpoint has been fetched."""
        self._leave_file.touch()
        folders = [scratch_in(Path(one.worker_dir)) for one in nannies if one.worker_dir]
        if any(_has_entries(folder) for folder in folders):
            self._tell("leaving: finishing the current epoch; another signal ends at once")
        while any(_has_entries(folder) for folder in folders):
            await asyncio.sleep(_POLL_SECONDS)
        await asyncio.gather(*map(_retire, nannies))


async def _retire(nanny: Nanny) -> None:
    """Have the scheduler remove a worker, so that what it gets at this moment moves on."""
    with suppress(OSError, TimeoutError):  # the scheduler is gone
        async with asyncio.timeout(_RETIRE_SECONDS):
            await nanny.scheduler.retire_workers(workers=[nanny.worker_address], remove=True)


async def _first(*awaited: Awaitable[Any]) -> None:
    """Wait until one of them has happened; the others are cancelled, but for futures."""
    tasks = [asyncio.ensure_future(one) for one in awaited]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task, one in zip(tasks, awaited, strict=True):
        if task is not one:
            task.cancel()


def _has_entries(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _no_scheduler(settings: ClusterSettings, error: BaseException) -> str:
    return (
        f"no scheduler answers at {settings.address} ({why_no_answer(error)}): start one with "
        "`python -m search scheduler`"
    )
