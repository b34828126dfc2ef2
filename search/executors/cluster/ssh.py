"""Workers that are started by SSH on other machines; the one module that uses asyncssh."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import asyncssh
from distributed import Scheduler, Security, SpecCluster
from distributed.deploy.spec import ProcessInterface

from search.errors import UserError, causes, first_line
from search.executors.cluster.settings import Launched


@final
class SshWorker(ProcessInterface):  # type: ignore[misc]  # Dask is partly typed
    """The workers of one machine, which end with the connection to it.

    Args:
        scheduler: The scheduler's address.
        name: The machine's name in the cluster.
        host: The machine, as `ssh` knows it.
        connection: Further arguments of `asyncssh.connect`.
        command: Returns the shell command that starts the workers, given scheduler and name.
    """

    def __init__(
        self,
        scheduler: str,
        name: str,
        host: str,
        connection: Mapping[str, Any],
        command: Callable[[str, str], str],
    ) -> None:
        self._host, self._options = host, connection
        self._command = command(scheduler, name)
        self._connection: Any = None
        self._process: Any = None
        super().__init__(scheduler=scheduler, name=name)

    async def start(self) -> None:
        """Connect and start the workers, which then join the cluster by themselves."""
        try:
            self._connection = await asyncssh.connect(self._host, **self._options)
        except (OSError, asyncssh.Error) as error:
            raise UserError(
                f"hosts: {self._host!r} cannot be reached by SSH: {first_line(error)}; accepted: "
                "machines that `ssh` reaches without a question"
            ) from error
        quiet = {"stdout": asyncssh.DEVNULL, "stderr": asyncssh.DEVNULL}
        self._process = await self._connection.create_process(self._command, **quiet)
        await super().start()

    async def close(self) -> None:
        """End the workers."""
        if self._process is not None:
            self._process.terminate()
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()
        await super().close()


def start_cluster(
    machines: Sequence[Mapping[str, Any]],
    scheduler: Mapping[str, Any],
    security: Security | None,
) -> Launched:
    """Return a cluster whose scheduler runs here.

    Args:
        machines: The arguments of each `SshWorker`.
        scheduler: Those of the scheduler.
        security: The certificates; None: nothing is encrypted.

    Raises UserError if a machine cannot be reached.
    """
    workers = {one["host"]: {"cls": SshWorker, "options": dict(one)} for one in machines}
    options = dict(scheduler) | ({} if security is None else {"security": security})
    try:
        cluster: Launched = SpecCluster(
            workers=workers,
            scheduler={"cls": Scheduler, "options": options},
            security=security,
            silence_logs="critical",
        )
    except (TimeoutError, OSError, RuntimeError, UserError) as error:
        told = next((one for one in causes(error) if isinstance(one, UserError)), None)
        raise told or UserError(f"cluster: it cannot be started: {first_line(error)}") from error
    return cluster
