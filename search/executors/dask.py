"""Runs jobs on the workers of a Dask cluster. Imports Dask once it is used: it is an extra."""

from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, final

from search.errors import UserError
from search.executors.base import Executor, FoldEpochs, Job, ignore_report, never_stop
from search.executors.cluster.settings import ClusterSettings, Launched, needs_dask

if TYPE_CHECKING:
    from search.executors.cluster.attempt import Attempt
    from search.executors.cluster.messages import RemoteChannel
    from search.executors.cluster.session import Session

T = TypeVar("T")

_MOST_LOSSES = 2  # of workers by one job
_END_SECONDS = 5.0  # in which killed trainings should end


@final
class DaskExecutor(Executor):
    """One slot a worker of the cluster, as many as there are now, which may come and go.

    Args:
        session: The connection with the cluster.
        most: The most slots; 0: no limit.
        launched: The cluster, if it ends with the executor.
    """

    name = "dask"
    is_elsewhere = True

    def __init__(self, session: "Session", most: int = 0, launched: Launched | None = None) -> None:
        self.session, self._most, self._launched = session, most, launched
        self._channels: dict[Path, RemoteChannel] = {}
        self._attempts: dict[int, Attempt[Any]] = {}

    @classmethod
    def start(cls, slots: int, threads: int, cluster: ClusterSettings | None = None) -> Self:
        if cluster is None:
            raise UserError(
                "executor 'dask' needs a cluster: give `cluster` tcp://HOST:PORT, tls://HOST:PORT, "
                "a scheduler file, slurm:FILE.toml or ssh:FILE.toml"
            )
        with needs_dask("executor 'dask'"):
            from search.executors.cluster.session import Session
        if cluster.launcher is None:
            return cls(Session(cluster, threads), slots)
        launched = cluster.launcher.launch(threads)
        try:
            settings = cluster.launched(launched, cluster.launcher.certificates)
            return cls(Session(settings, threads), slots, launched)
        except BaseException:
            launched.close()
            raise

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

    def run(
        self,
        job: Job[T],
        report: Callable[[FoldEpochs], None] = ignore_report,
        stop_requested: Callable[[], bool] = never_stop,
    ) -> T:
        """Run one job; if its worker is lost, run it again on another one, from its checkpoints."""
        from search.executors.cluster.session import WorkerLostError

        once = _Once(report)
        for _ in range(_MOST_LOSSES):
            try:
                return super().run(job, once.restarted(), stop_requested)
            except WorkerLostError:
                continue
        return super().run(job, once.restarted(), stop_requested)

    def kill(self, slot: int) -> None:
        self._attempts[slot].kill()

    def close(self) -> None:
        for attempt in self._attempts.values():
            attempt.kill()
        for attempt in self._attempts.values():
            attempt.join(_END_SECONDS)
        self._attempts.clear()
        self.session.close()
        if self._launched is not None:
            self._launched.close()


@final
class _Once:
    """Passes on each epoch of a job once, however often it is run again."""

    def __init__(self, report: Callable[[FoldEpochs], None]) -> None:
        self._report, self._n_reported = report, 0

    def restarted(self) -> Callable[[FoldEpochs], None]:
        """Return what receives the epochs of another run."""
        numbers = count(1)

        def forward(figures: FoldEpochs) -> None:
            number = next(numbers)
            if number > self._n_reported:
                self._n_reported = number
                self._report(figures)

        return forward
