"""The talk between a trial and the coordinator."""

import threading
import time
from pathlib import Path

import pytest

from search.executors.job import CoordinatorEnd, WorkerEnd
from search.paths import TrialPaths
from search.training.history import FoldEpoch

FIGURES = (FoldEpoch(0.5, 0.25, 0.75, 1 / 3, 1e-3, 1.5), FoldEpoch(0.1, 0.2, None, None, 1e-9, 0.0))


@pytest.fixture
def paths(tmp_path: Path) -> TrialPaths:
    return TrialPaths(tmp_path / "trial-0")


def test_epochs_arrive_once_in_order_and_exact(paths: TrialPaths) -> None:
    """What the worker sends the coordinator receives, to the last bit, each epoch once."""
    coordinator, worker = CoordinatorEnd(paths), WorkerEnd(paths)
    assert coordinator.receive() == []
    worker.send(FIGURES)
    worker.send(FIGURES[::-1])
    assert coordinator.receive() == [FIGURES, FIGURES[::-1]]
    assert coordinator.receive() == []
    worker.send(FIGURES)
    assert coordinator.receive() == [FIGURES]


def test_half_a_line_waits_for_the_rest(paths: TrialPaths) -> None:
    """A line that is still being written is not read before its end is there."""
    coordinator, worker = CoordinatorEnd(paths), WorkerEnd(paths)
    worker.send(FIGURES)
    whole = paths.epochs.read_bytes()
    paths.epochs.write_bytes(whole + whole[:10])
    assert coordinator.receive() == [FIGURES]
    assert coordinator.receive() == []
    paths.epochs.write_bytes(whole + whole)
    assert coordinator.receive() == [FIGURES]


def test_without_an_answer_the_trial_goes_on(paths: TrialPaths) -> None:
    """An unanswered worker waits as long as it has patience, then goes on."""
    worker = WorkerEnd(paths)
    worker.send(FIGURES)
    begin = time.monotonic()
    assert not worker.told_to_stop(patience=0.1)
    assert time.monotonic() - begin >= 0.1


def test_a_stop_is_heard_at_once(paths: TrialPaths) -> None:
    """A worker that waits hears of the stop; one that does not wait finds it there."""
    coordinator, worker = CoordinatorEnd(paths), WorkerEnd(paths)
    worker.send(FIGURES)
    threading.Timer(0.05, lambda: coordinator.answer(1, stop=True)).start()
    assert worker.told_to_stop(patience=10)
    assert worker.told_to_stop(patience=0)


def test_an_old_answer_is_no_answer_to_a_new_epoch(paths: TrialPaths) -> None:
    """ "Go on" after epoch 1 says nothing about epoch 2."""
    coordinator, worker = CoordinatorEnd(paths), WorkerEnd(paths)
    worker.send(FIGURES)
    coordinator.answer(1, stop=False)
    begin = time.monotonic()
    assert not worker.told_to_stop(patience=10)
    assert time.monotonic() - begin < 5
    worker.send(FIGURES)
    begin = time.monotonic()
    assert not worker.told_to_stop(patience=0.1)
    assert time.monotonic() - begin >= 0.1
