"""Workers that leave or cannot train: another one goes on, and no attempt counts."""

import asyncio
import errno
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from search.errors import MachineError, UserError
from search.executors import DaskExecutor
from search.executors.base import Channel
from search.executors.cluster.agent import greet
from search.executors.cluster.messages import DaemonError
from search.executors.cluster.session import Session
from search.executors.cluster.told import is_daemon, left_out
from tests.executors.conftest import LocalCluster
from tests.executors.test_executors_contract import FIGURES

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Ended:
    """How a job ended, and in which folder its worker had it run."""

    ended: str
    place: Path
    reason: str | None = None


@dataclass(frozen=True)
class Patient:
    """Reports epochs until it is asked to stop; fails where its worker's folder is one of these."""

    folder: Path
    unusable: tuple[Path, ...] = ()
    error: type[Exception] | None = None

    def run(self, channel: Channel) -> Ended:
        if any(self.folder.is_relative_to(one) for one in self.unusable):
            if self.error is ModuleNotFoundError:
                raise ModuleNotFoundError("No module named 'timm'")
            if self.error is OSError:
                raise OSError(errno.ENOSPC, "No space left on device", str(self.folder / "answer"))
            return Ended("fault", self.folder, "OSError: [Errno 28] No space left on device")
        for _ in range(3000):
            channel.send(FIGURES)
            time.sleep(0.02)
            if channel.stop_requested():
                return Ended("stopped", self.folder)
        return Ended("finished", self.folder)


@contextmanager
def _running(executor: DaskExecutor, job: Patient) -> "Iterator[tuple[Any, Future[Ended]]]":
    """Yield the channel and the future of a job that has begun."""
    channel = executor.channel(job.folder)
    future = executor.submit(0, job)
    deadline = time.monotonic() + 60
    while not channel.receive():
        assert time.monotonic() < deadline
        assert not future.done() or future.result()
        time.sleep(0.02)
    yield channel, future


def _folder_of(executor: DaskExecutor, cluster: LocalCluster) -> int:
    """Return which of the cluster's workers is busy."""
    (address,) = executor.session.busy()
    greeting = executor.session.call(address, greet, 1)
    return cluster.folders.index(greeting.folder)


def test_a_job_moves_on_when_its_worker_leaves(cluster: LocalCluster, tmp_path: Path) -> None:
    """After its epoch; the coordinator sees one job, whose record goes on."""
    with DaskExecutor.start(0, 1, cluster.settings) as executor:
        with _running(executor, Patient(tmp_path / "job")) as (channel, future):
            leaving = _folder_of(executor, cluster)
            cluster.leave_files[leaving].touch()
            try:
                deadline = time.monotonic() + 60
                while _folder_of(executor, cluster) == leaving:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            finally:
                cluster.leave_files[leaving].unlink()
            assert executor.slots == 1
            channel.answer(10_000, stop=True)
            outcome = future.result(60)
        assert outcome.ended == "stopped"
        assert outcome.place.is_relative_to(cluster.folders[1 - leaving])
        assert all(one == FIGURES for one in channel.receive())
        assert len(channel.hosts) == 1  # both are on this machine


@pytest.mark.parametrize("error", [None, OSError, ModuleNotFoundError])
def test_a_worker_that_cannot_train_is_left_out(
    error: type[Exception] | None, cluster: LocalCluster, tmp_path: Path
) -> None:
    """As with a full disk, or without a package; others train, and it is told."""
    words = "No module named 'timm'" if error is ModuleNotFoundError else "No space left on device"
    for unusable in (cluster.folders[:1], cluster.folders[1:]):
        with DaskExecutor.start(0, 1, cluster.settings) as executor:
            job = Patient(tmp_path / "job", unusable, error)
            outcome = executor.run(job, stop_requested=lambda: True)
            assert outcome.ended == "stopped"
            news = executor.take_news()
            assert executor.slots == 2 - len(news)
            assert all(words in one and "cannot train" in one for one in news)
    with DaskExecutor.start(0, 1, cluster.settings) as executor:
        job = Patient(tmp_path / "job", cluster.folders, error)
        with pytest.raises(MachineError, match=f"cannot train: .*{words}.*; everything so far"):
            executor.run(job)


def test_without_a_worker_a_run_ends_with_how_to_go_on(cluster: LocalCluster) -> None:
    """After the time that was given; workers that are refused are named at once."""
    settings = replace(cluster.settings, worker_timeout=0.2)
    with closing(Session(settings, 1)) as session:
        for address in session.addresses():
            session.exclude(address)
        with pytest.raises(MachineError, match=r"has had no worker for 0.2 s; .*search worker tls"):
            session.acquire(lambda: None)
    with closing(Session(settings, 1)) as session:
        for address in session.addresses():
            session.refuse(address, UserError("other versions"))
        with pytest.raises(UserError, match="other versions"):
            session.acquire(lambda: None)
        told = "other versions; it is left out until it is started again"
        assert session.take_news() == [told] * 2


def test_a_run_without_a_worker_says_so_once(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon, with what to do; not again until there was one."""
    monkeypatch.setattr("search.executors.cluster.session._SILENT_SECONDS", 0.0)
    settings = replace(cluster.settings, worker_timeout=3.0)
    with closing(Session(settings, 1)) as session:
        for address in session.addresses():
            session.exclude(address)
        with pytest.raises(MachineError, match="has had no worker"):
            session.acquire(lambda: None)
        (news,) = session.take_news()
    assert "has no worker: waiting up to 3 s for one; start one with `python -m search" in news


class _Nanny:
    """What `greet` looks at of a worker."""

    plugins: ClassVar[dict[str, object]] = {}


def test_a_daemon_is_refused_as_it_cannot_train(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the workers of `dask worker` are."""
    monkeypatch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
    with pytest.raises(DaemonError):
        asyncio.run(greet(1, _Nanny()))
    assert "dask worker --no-nanny" in is_daemon("tcp://a:1")


def test_where_a_worker_is_that_is_left_out() -> None:
    """Its machine is named; how to go on is for the last one only."""
    reason = MachineError("worker tcp://a:1 cannot write x: no room; everything so far is kept: y")
    assert left_out(reason, "tcp://a:1", "node1, process 7") == (
        "worker tcp://a:1 (node1, process 7) cannot write x: no room; it is left out until it is "
        "started again"
    )
