"""The talk between a trial and the scheduler."""

import threading
import time
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


def test_without_an_answer_the_trial_goes_on(folder: Path) -> None:
    """An unanswered worker waits as long as it has patience, then goes on."""
    worker = WorkerChannel(folder, patience=0.1)
    worker.send(FIGURES)
    begin = time.monotonic()
    assert not worker.stop_requested(wait=True)
    assert time.monotonic() - begin >= 0.1


def test_a_stop_is_heard_at_once(folder: Path) -> None:
    """A worker that waits hears of the stop; one that does not wait finds it there."""
    scheduler, worker = SchedulerChannel(folder), WorkerChannel(folder)
    worker.send(FIGURES)
    threading.Timer(0.05, lambda: scheduler.answer(1, stop=True)).start()
    assert worker.stop_requested(wait=True)
    assert worker.stop_requested()


def test_an_old_answer_is_no_answer_to_a_new_epoch(folder: Path) -> None:
    """ "Go on" after epoch 1 says nothing about epoch 2."""
    scheduler, worker = SchedulerChannel(folder), WorkerChannel(folder)
    worker.send(FIGURES)
    scheduler.answer(1, stop=False)
    begin = time.monotonic()
    assert not worker.stop_requested(wait=True)
    assert time.monotonic() - begin < 5
    worker.send(FIGURES)
    begin = time.monotonic()
    assert not worker.stop_requested(wait=True)
    assert time.monotonic() - begin >= 0.1
