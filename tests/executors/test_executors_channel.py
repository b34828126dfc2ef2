"""The talk between a trial and the scheduler."""

import threading
from pathlib import Path

import pytest

from search.executors.base import SchedulerChannel, WorkerChannel
from search.training.history import FoldEpoch

FIGURES = (FoldEpoch(0.5, 0.25, 0.75, 1 / 3, 1e-3, 1.5), FoldEpoch(0.1, 0.2, None, None, 1e-9, 0.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "trial-0"


def test_epochs_arrive_once_in_order_and_exact(folder: Path) -> None:
    """What the worker sends the scheduler receives, to the last bit, each epoch once."""
    scheduler, worker = SchedulerChannel(folder), WorkerChannel(folder)
    assert scheduler.receive() == []
    worker.send(FIGURES)
    worker.send(FIGURES[::-1])
    assert scheduler.receive() == [FIGURES, FIGURES[::-1]]
    assert scheduler.receive() == []
    worker.send(FIGURES)
    assert scheduler.receive() == [FIGURES]


def test_half_a_line_waits_for_the_rest(folder: Path) -> None:
    """A line that is still being written is not read before its end is there."""
    scheduler, worker = SchedulerChannel(folder), WorkerChannel(folder)
    worker.send(FIGURES)
    whole = (folder / "epochs.jsonl").read_bytes()
    (folder / "epochs.jsonl").write_bytes(whole + whole[:10])
    assert scheduler.receive() == [FIGURES]
    assert scheduler.receive() == []
    (folder / "epochs.jsonl").write_bytes(whole + whole)
    assert scheduler.receive() == [FIGURES]


class Clock:
    """A clock that only moves while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("search.executors.base.time", clock)
    return clock


def test_without_an_answer_the_trial_continues(folder: Path, clock: Clock) -> None:
    """An unanswered worker waits until its patience is over, then continues."""
    worker = WorkerChannel(folder, patience=0.1)
    worker.send(FIGURES)
    assert not worker.stop_requested()
    assert clock.now == 0
    assert not worker.stop_requested(wait=True)
    assert clock.now == pytest.approx(0.1, abs=0.01)


def test_a_stop_is_heard_at_once(folder: Path) -> None:
    """A worker that waits hears of the stop; one that does not wait finds it there."""
    scheduler, worker = SchedulerChannel(folder), WorkerChannel(folder)
    worker.send(FIGURES)
    threading.Timer(0.05, lambda: scheduler.answer(1, stop=True)).start()
    assert worker.stop_requested(wait=True)
    assert worker.stop_requested()


def test_an_old_answer_is_no_answer_to_a_new_epoch(folder: Path, clock: Clock) -> None:
    """ "Continue" after epoch 1 says nothing about epoch 2."""
    scheduler, worker = SchedulerChannel(folder), WorkerChannel(folder, patience=2.0)
    worker.send(FIGURES)
    scheduler.answer(1, stop=False)
    assert not worker.stop_requested(wait=True)
    assert clock.now == 0
    worker.send(FIGURES)
    assert not worker.stop_requested(wait=True)
    assert clock.now == pytest.approx(2.0, abs=0.01)
