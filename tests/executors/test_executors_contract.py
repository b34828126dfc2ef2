"""What every executor does, whatever it runs jobs in."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from search.executors import EXECUTORS, DaskExecutor, Executor, InlineExecutor, get_executor
from search.executors.base import Channel
from search.training.history import FoldEpoch

FIGURES = (FoldEpoch(0.5, 0.25, 0.75, 0.5, 1e-3, 0.0),)


@dataclass(frozen=True)
class Counting:
    """Reports this many epochs, or fewer if asked to stop; returns how many."""

    epochs: int
    folder: Path | None = None

    def run(self, channel: Channel) -> int:
        for epoch in range(1, self.epochs + 1):
            channel.send(FIGURES)
            if channel.stop_requested(wait=True):
                return epoch
        return self.epochs


@dataclass(frozen=True)
class Failing:
    """Raises."""

    folder: Path | None = None

    def run(self, channel: Channel) -> None:
        del channel
        raise ValueError("no such thing")


@dataclass(frozen=True)
class Sleeping:
    """Works for so many seconds, and asks nothing meanwhile."""

    seconds: float
    folder: Path | None = None

    def run(self, channel: Channel) -> None:
        del channel
        time.sleep(self.seconds)


@pytest.fixture(scope="module", params=EXECUTORS, ids=lambda kind: kind.name)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    kind: type[Executor] = request.param
    cluster = request.getfixturevalue("cluster").settings if kind is DaskExecutor else None
    with kind.start(1, threads=1, cluster=cluster) as started:
        yield started


@pytest.mark.slow
def test_a_job_returns_its_result(executor: Executor) -> None:
    """With `submit` as a future, with `run` at once; it may talk or not."""
    assert executor.submit(0, Counting(2)).result(60) == 2
    assert executor.run(Counting(3)) == 3


@pytest.mark.slow
def test_reports_arrive_in_order(executor: Executor, tmp_path: Path) -> None:
    """Each epoch once, before `run` returns."""
    reported = list[object]()
    assert executor.run(Counting(3, tmp_path / "job"), reported.append) == 3
    assert reported == [FIGURES] * 3


@pytest.mark.slow
def test_a_request_to_stop_reaches_the_job(executor: Executor, tmp_path: Path) -> None:
    """A job ends soon after it is requested, and long before its end."""
    reported = list[object]()
    endless = Counting(100_000, tmp_path / "job")
    assert executor.run(endless, reported.append, lambda: len(reported) >= 1) < 100
    assert reported


@pytest.mark.slow
def test_what_a_job_raises_comes_back(executor: Executor) -> None:
    """By the future, and from `run`."""
    with pytest.raises(ValueError, match="no such thing"):
        executor.submit(0, Failing()).result(60)
    with pytest.raises(ValueError, match="no such thing"):
        executor.run(Failing())


@pytest.mark.slow
def test_a_killed_job_fails_and_its_slot_takes_the_next(executor: Executor) -> None:
    """Whatever its job is busy with."""
    if not isinstance(executor, InlineExecutor):  # whose jobs have ended when `submit` returns
        running = executor.submit(0, Sleeping(600))
        with pytest.raises(TimeoutError):
            running.result(1)
        executor.kill(0)
        assert running.exception(60) is not None
        assert executor.submit(0, Counting(1)).result(60) == 1


@pytest.mark.slow
def test_killing_again_is_no_error(executor: Executor) -> None:
    """A process may have ended when its pool does not know that yet."""
    if not isinstance(executor, InlineExecutor):
        running = executor.submit(0, Sleeping(600))
        while not running.done():
            executor.kill(0)
        assert executor.submit(0, Counting(1)).result(60) == 1


def test_sizes_can_be_requested(executor: Executor) -> None:
    """There is always a slot, and the first one keeps working."""
    for slots in (2, 1):
        executor.resize(slots)
        assert executor.slots >= 1
        assert executor.submit(0, Counting(1)).result(60) == 1


@pytest.mark.slow
def test_executors_are_found_by_name() -> None:
    """An unknown name is refused with the known ones."""
    assert [get_executor(kind.name) for kind in EXECUTORS] == list(EXECUTORS)
    names = ", ".join(kind.name for kind in EXECUTORS)
    with pytest.raises(ValueError, match=f"one of {names}, got 'cloud'"):
        get_executor("cloud")
