"""A trial whose folds are spread over several workers: one history, one end."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import pytest

from search.executors.base import SchedulerChannel, WorkerChannel
from search.executors.training_jobs import TrialOutcome
from search.metric import ACCURACY
from search.training.history import FoldEpoch
from search.tuning.running_trials import FoldGroup, RunningTrial


class Worker:
    """A worker's end of a fold group, whose epochs and end the test decides."""

    def __init__(self, folder: Path, folds: tuple[int, ...]) -> None:
        folder = folder / f"from-{folds[0]}"
        self.end, self.future = WorkerChannel(folder), Future[TrialOutcome]()
        self.group = FoldGroup(folds, folds[0], SchedulerChannel(folder), self.future)
        self._epochs = 0

    def report(self, epochs: int) -> None:
        for _ in range(epochs):
            self._epochs += 1
            figures = [
                FoldEpoch(1.0, 0.5, 1.0, self._epochs + fold / 10, 0.1, 2.0)
                for fold in self.group.folds
            ]
            self.end.send(tuple(figures))

    def finish(self, ended: Any, reason: str | None = None) -> None:
        self.future.set_result(TrialOutcome(ended, reason))

    def told_to_stop(self) -> bool:
        return self.end.stop_requested()


@pytest.fixture
def workers(tmp_path: Path) -> list[Worker]:
    return [Worker(tmp_path, (0, 1)), Worker(tmp_path, (2,))]


@pytest.fixture
def running(workers: list[Worker]) -> RunningTrial:
    nothing = cast("Any", None)
    # the later folds first: the order in which groups started must not matter
    return RunningTrial(nothing, [worker.group for worker in reversed(workers)])


def test_the_history_has_the_epochs_that_all_folds_have(
    running: RunningTrial, workers: list[Worker]
) -> None:
    """One worker is ahead: only epochs of all folds count, the folds in their order."""
    workers[0].report(3)
    workers[1].report(2)
    assert running.receive()
    assert not running.receive(), "nothing new"
    scores = [running.history().fold_scores(epoch, ACCURACY) for epoch in (1, 2)]
    assert scores == [[1.0, 1.1, 1.2], [2.0, 2.1, 2.2]]
    assert len(running.history().epochs) == 2
    assert (running.cost().fold_epochs, running.cost().seconds) == (8, 16.0)


def test_a_diverged_fold_stops_the_others_at_its_epoch_not_before(
    running: RunningTrial, workers: list[Worker]
) -> None:
    """The others continue to the epoch before the divergence, so the history has all folds."""
    workers[1].report(3)
    workers[1].finish("diverged", "in epoch 4")
    workers[0].report(2)
    running.receive()
    running.answer(stop=False)
    assert not workers[0].told_to_stop()
    workers[0].report(1)
    running.receive()
    running.answer(stop=False)
    assert workers[0].told_to_stop()
    assert running.training
    workers[0].finish("stopped")
    running.receive()
    assert not running.training
    assert running.outcome() == TrialOutcome("diverged", "in epoch 4")
    assert len(running.history().epochs) == 3


def test_the_earliest_divergence_is_the_trials(
    running: RunningTrial, workers: list[Worker]
) -> None:
    """Where two workers' folds diverge, the epoch that lockstep would have met first counts."""
    for worker, epochs in zip(workers, (2, 5), strict=True):
        worker.report(epochs)
        worker.finish("diverged", f"after {epochs}")
    running.receive()
    assert running.outcome().reason == "after 2"


def test_a_failure_stops_the_others_at_once(running: RunningTrial, workers: list[Worker]) -> None:
    """A failed fold fails the trial, whatever became of the others."""
    workers[0].report(1)
    workers[1].future.set_exception(RuntimeError("killed"))
    running.receive()
    running.answer(stop=False)
    assert workers[0].told_to_stop()
    workers[0].finish("stopped")
    running.receive()
    assert running.outcome() == TrialOutcome("failed", "the worker died (RuntimeError)")


def test_a_pruned_trial_stops_everywhere(running: RunningTrial, workers: list[Worker]) -> None:
    """A pruning decision reaches every worker at the trial."""
    for worker in workers:
        worker.report(1)
    running.receive()
    running.answer(stop=True)
    assert [worker.told_to_stop() for worker in workers] == [True, True]
