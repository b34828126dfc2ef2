"""Runs jobs on the workers of a Dask cluster. Imports Dask once it is used: it is an extra."""

from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, final

from search.errors import UserError
from search.executors.base import Executor, Job
from search.executors.cluster.settings import ClusterSettings, needs_dask

if TYPE_CHECKING:
    from search.executors.cluster.attempt import Attempt
    from search.executors.cluster.messages import RemoteChannel
    from search.executors.cluster.session import Session

T = TypeVar("T")

_END_SECONDS = 5.0  # in which killed trainings should end


@final
class DaskExecutor(Executor):
    """One slot a worker of the cluster, as many as there are now, which may come and go.

    Args:
        session: The connection with the cluster.
        most: The most slots; 0: no limit.
    """

    name = "dask"
    is_elsewhere = True

    def __init__(self, session: "Session", most: int = 0) -> None:
        self.session, self._most = session, most
        self._channels: dict[Path, RemoteChannel] = {}
        self._attempts: dict[int, Attempt[Any]] = {}

    @classmethod
    def start(cls, slots: int, threads: int, cluster: ClusterSettings | None = None) -> Self:
        if cluster is None:
            raise UserError(
                "executor 'dask' needs a cluster: give `cluster` tcp://HOST:PORT, tls://HOST:PORT "
                "or a scheduler file"
            )
        with needs_dask("executor 'dask'"):
            from search.executors.cluster.session import Session
        return cls(Session(cluster, threads), slots)

    @property
    def slots(self) -> int:
        self.session.check()
        workers = max(self.session.n_workers(), 1)
        return min(workers, self._most) if self._most else workers

    def capacity(self) -> int:
        return self.slots

    def take_news(self) -> list[str]:
        return self.session.take_news()

    def reconnect(self) -> bool:
        return self.session.reconnect()

    def channel(self, folder: Path) -> "RemoteChannel":
        from search.executors.cluster.messages import RemoteChannel

        self._channels[folder] = RemoteChannel(folder)
        return self._channels[folder]

    def submit(self, slot: int, job: Job[T]) -> "Future[T]":
        """Start a job on an idle worker, once there is one."""
        from search.executors.cluster.attempt import Attempt
        from search.executors.cluster.messages import RemoteChannel

        channel = None if job.folder is None else self._channels.pop(job.folder, None)
        attempt = Attempt(self.session, job, channel or RemoteChannel())
        self._attempts[slot] = attempt
        return attempt.future

    def kill(self, slot: int) -> None:
        self._attempts[slot].kill()

    def close(self) -> None:
        for attempt in self._attempts.values():
            attempt.kill()
        for attempt in self._attempts.values():
            attempt.join(_END_SECONDS)
        self._attempts.clear()
        self.session.close()
