"""A worker of a cluster, as `python -m search worker` starts it."""

import asyncio
import signal
from pathlib import Path

import dask
from distributed import Nanny, Security

from search.errors import MachineError, first_line
from search.executors.cluster.agent import FOLDER_SETTING
from search.executors.cluster.security import security_of
from search.executors.cluster.settings import ClusterSettings
from search.executors.process_settings import openmp_settings

_CONNECT_SECONDS = 300  # a scheduler may start later


def serve(settings: ClusterSettings, folder: Path, n_workers: int) -> None:
    """Serve a scheduler with workers until a signal ends them, or the scheduler is gone for long.

    Args:
        settings: How the scheduler is reached.
        folder: Where datasets are kept, between runs too.
        n_workers: How many workers; each runs one training at a time.

    Raises MachineError if the scheduler does not answer.
    """
    configuration = {
        FOLDER_SETTING: str(folder.absolute()),
        "distributed.worker.daemon": False,  # it has a process for the training
    }
    with dask.config.set(configuration):
        asyncio.run(_serve(settings.address, folder, n_workers, security_of(settings)))


async def _serve(address: str, folder: Path, n_workers: int, security: Security) -> None:
    nannies = [
        Nanny(
            address,
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
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        await asyncio.gather(*nannies)
    except (OSError, TimeoutError, RuntimeError) as error:
        raise MachineError(
            f"no scheduler answers at {address} ({first_line(error)}): start one with "
            "`dask scheduler`"
        ) from error
    ended = asyncio.ensure_future(asyncio.gather(*(nanny.finished() for nanny in nannies)))
    await asyncio.wait(
        [ended, asyncio.ensure_future(stopped.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    await asyncio.gather(*(nanny.close(reason="stopped") for nanny in nannies))
