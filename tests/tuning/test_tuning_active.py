"""A trial whose folds are spread over several workers: one history, one end."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import pytest

from search.executors.job import CoordinatorEnd, TrialOutcome, WorkerEnd
from search.paths import TrialPaths
from search.training.history import FoldEpoch
from search.tuning.active import ActiveTrial, Strand


class Worker:
    """A worker's end of a strand, whose epochs and end the test decides."""

    def __init__(self, folder: Path, folds: tuple[int, ...]) -> None:
        paths = TrialPaths(folder / f"from-{folds[0]}")
        self.end, self.future = WorkerEnd(paths), Future[TrialOutcome]()
        self.strand = Strand(folds, folds[0], CoordinatorEnd(paths), self.future)
        self._epochs = 0

    def report(self, epochs: int) -> None:
        for _ in range(epochs):
            self._epochs += 1
            figures = [
                FoldEpoch(1.0, 0.5, 1.0, self._epochs + fold / 10, 0.1, 2.0)
                for fold in self.strand.folds
            ]
            self.end.send(tuple(figures))

    def finish(self, ended: Any, reason: str | None = None) -> None:
        self.future.set_result(TrialOutcome(ended, reason))

    def told_to_stop(self) -> bool:
        return self.end.told_to_stop(patience=0.0)


@pytest.fixture
def workers(tmp_path: Path) -> list[Worker]:
    return [Worker(tmp_path, (0, 1)), Worker(tmp_path, (2,))]


@pytest.fixture
def active(workers: list[Worker]) -> ActiveTrial:
    nothing = cast("Any", None)
    # the later folds first: the order in which strands began must not matter
    return ActiveTrial(nothing, nothing, [worker.strand for worker in reversed(workers)])


def test_the_history_has_the_epochs_that_all_folds_have(
    active: ActiveTrial, workers: list[Worker]
) -> None:
    """One worker is ahead: only epochs of all folds count, the folds in their order."""
    workers[0].report(3)
    workers[1].report(2)
    assert active.receive()
    assert not active.receive(), "nothing new"
    scores = [active.history().fold_scores(epoch, "accuracy") for epoch in (1, 2)]
    assert scores == [[1.0, 1.1, 1.2], [2.0, 2.1, 2.2]]
    assert len(active.history().epochs) == 2
    assert (active.effort().fold_epochs, active.effort().seconds) == (8, 16.0)


def test_a_diverged_fold_stops_the_others_at_its_epoch_not_before(
    active: ActiveTrial, workers: list[Worker]
) -> None:
    """The others go on to the epoch before the divergence, so that the history has all folds."""
    workers[1].report(3)
    workers[1].finish("diverged", "in epoch 4")
    workers[0].report(2)
    active.receive()
    active.answer(stop=False)
    assert not workers[0].told_to_stop()
    workers[0].report(1)
    active.receive()
    active.answer(stop=False)
    assert workers[0].told_to_stop()
    assert active.training
    workers[0].finish("stopped")
    active.receive()
    assert not active.training
    assert active.outcome() == TrialOutcome("diverged", "in epoch 4")
    assert len(active.history().epochs) == 3


def test_the_earliest_divergence_is_the_trials(active: ActiveTrial, workers: list[Worker]) -> None:
    """Where two workers' folds diverge, the epoch that lockstep would have met first counts."""
    for worker, epochs in zip(workers, (2, 5), strict=True):
        worker.report(epochs)
        worker.finish("diverged", f"after {epochs}")
    active.receive()
    assert active.outcome().reason == "after 2"


def test_a_failure_stops_the_others_at_once(active: ActiveTrial, workers: list[Worker]) -> None:
    """A failed fold fails the trial, whatever became of the others."""
    workers[0].report(1)
    workers[1].future.set_exception(RuntimeError("killed"))
    active.receive()
    active.answer(stop=False)
    assert workers[0].told_to_stop()
    workers[0].finish("stopped")
    active.receive()
    assert active.outcome() == TrialOutcome("failed", "the worker died (RuntimeError)")


def test_a_pruned_trial_stops_everywhere(active: ActiveTrial, workers: list[Worker]) -> None:
    """A verdict reaches every worker at the trial."""
    for worker in workers:
        worker.report(1)
    active.receive()
    active.answer(stop=True)
    assert [worker.told_to_stop() for worker in workers] == [True, True]
