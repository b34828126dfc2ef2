"""A worker and a scheduler of a cluster, as the commands of these names start them."""

import asyncio
import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
from distributed import Nanny, Scheduler, Security

from search.errors import MachineError, UserError, causes, first_line
from search.executors.cluster.agent import FOLDER_SETTING
from search.executors.cluster.security import security_of, tls_refusal
from search.executors.cluster.settings import ClusterSettings
from search.executors.process_settings import openmp_settings

_CONNECT_SECONDS = 300  # a scheduler may start later


def serve_scheduler(settings: ClusterSettings) -> None:
    """Serve workers and searches as their scheduler until a signal ends it.

    Args:
        settings: Its address, which begins with `tls://` if it has certificates.

    Raises UserError if it cannot listen there, or its certificates cannot be used.
    """
    configuration = {
        "distributed.scheduler.http.routes": [],  # pages that anyone could read
        "distributed.scheduler.allowed-failures": 0,  # searches try trials again themselves
    }
    _configure(configuration)
    security = security_of(settings, "scheduler")
    asyncio.run(_serve_scheduler(settings.address, security))


async def _serve_scheduler(address: str, security: Security) -> None:
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
    await stopped.wait()
    await scheduler.close(reason="stopped")


def _configure(settings: Mapping[str, Any]) -> None:
    """Set Dask's configuration for this process, which does nothing else, and those it starts."""
    dask.config.set(settings)
    logging.getLogger("distributed").setLevel(logging.WARNING)


def _stop_event() -> asyncio.Event:
    """Return an event that a signal to stop sets."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def serve(settings: ClusterSettings, folder: Path, n_workers: int) -> None:
    """Serve a scheduler with workers until a signal ends them, or the scheduler is gone for long.

    Args:
        settings: How the scheduler is reached.
        folder: Where datasets are kept, between runs too.
        n_workers: How many workers; each runs one training at a time.

    Raises:
        UserError: The scheduler does not accept this worker, or the other way round.
        MachineError: The scheduler does not answer.
    """
    configuration = {
        FOLDER_SETTING: str(folder.absolute()),
        "distributed.worker.http.routes": [],  # pages that anyone could read
        "distributed.nanny.pre-spawn-environ": {"DASK_LOGGING__DISTRIBUTED": "warning"},
        "distributed.worker.daemon": False,  # it has a process for the training
    }
    security = security_of(settings, "worker")
    _configure(configuration)
    asyncio.run(_serve(settings, folder, n_workers, security))


async def _serve(
    settings: ClusterSettings, folder: Path, n_workers: int, security: Security
) -> None:
    nannies = [
        Nanny(
            settings.address,
            nthreads=1,  # Dask's: it waits for the training process, which has its own
            memory_limit=0,  # Dask would measure the wrong process
            local_directory=str(folder.absolute()),
            death_timeout=_CONNECT_SECONDS,
            env=openmp_settings(1),
            security=security,
            dashboard=False,
        )
        for _ in range(n_workers)
    ]
    stopped = _stop_event()
    try:
        await asyncio.gather(*nannies)
    except (OSError, TimeoutError, RuntimeError) as error:
        refusal = tls_refusal(settings, error)
        if refusal is not None:
            raise refusal from error
        raise MachineError(
            f"no scheduler answers at {settings.address} ({first_line(error)}): start one with "
            "`python -m search scheduler`"
        ) from error
    ended = asyncio.ensure_future(asyncio.gather(*(nanny.finished() for nanny in nannies)))
    await asyncio.wait(
        [ended, asyncio.ensure_future(stopped.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    await asyncio.gather(*(nanny.close(reason="stopped") for nanny in nannies))
