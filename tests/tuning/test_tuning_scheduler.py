"""The coordinator's order of events, with workers whose pace the test decides."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, final

import pytest

from search.executors import InlineExecutor
from search.executors.base import Executor, run_job
from search.executors.training_jobs import TrialJob, TrialOutcome
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.run import run_search
from search.tuning.run_events import TrialEnded
from search.tuning.store import read_study

Maker = Callable[..., Recipe]


@final
class SlowFirst(Executor):
    """Two slots; the first trial is trained when two others have been, or fails for good."""

    def __init__(self, *, fail: bool) -> None:
        self._fail, self._held, self.order = fail, list[Any](), list[int]()

    @property
    def slots(self) -> int:
        return 2

    def submit(self, slot: int, job: Any) -> Any:
        future: Future[TrialOutcome] = Future()
        self.order.append(job.index)
        if job.index == 0 and self._fail:
            future.set_result(TrialOutcome("failed", "always"))
        elif job.index == 0:
            self._held.append((future, job))
        else:
            future.set_result(run_job(_without_waiting(job)))
        if self._held and len(self.order) >= 4:
            held, first = self._held.pop()
            held.set_result(run_job(_without_waiting(first)))
        return future

    def kill(self, slot: int) -> None:
        raise AssertionError("nothing hangs here")

    def close(self) -> None:
        pass


def _without_waiting(job: TrialJob) -> TrialJob:
    return TrialJob(**(vars(job) | {"decision_epochs": frozenset()}))


def _search(recipe: Recipe, listener: Any, workers: Executor) -> Any:
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    run_search(opened, workers, listener, StopRequest())
    return read_study(opened.study)


@pytest.mark.slow
def test_trials_ahead_wait_for_their_verdict_and_the_slot_goes_on(
    make_recipe: Maker, listener: Any, tmp_path: Any
) -> None:
    """While the first trial is slow, others train in the second slot and are judged later."""
    recipe = make_recipe(trials=5, epochs=4, pruner="halving")
    workers = SlowFirst(fail=False)
    record = _search(recipe, listener, workers)
    assert workers.order == [0, 1, 2, 3, 4]
    ended = [event.trial.number for event in listener.all(TrialEnded)]
    assert ended[0] == 0, "no verdict before that of the first trial"
    assert sorted(ended) == [0, 1, 2, 3, 4]
    assert {t.state for t in record.trials} <= {"complete", "pruned"}


@pytest.mark.slow
def test_a_trial_that_keeps_failing_does_not_hold_up_the_rest(
    make_recipe: Maker, listener: Any
) -> None:
    """After three failures the index is given up and those that waited for it are judged."""
    record = _search(make_recipe(trials=4, pruner="halving"), listener, SlowFirst(fail=True))
    assert [t.state for t in record.trials if t.plan == 0] == ["failed"] * 3
    assert {t.state for t in record.trials if t.plan > 0} <= {"complete", "pruned"}


@pytest.mark.slow
def test_after_the_deadline_no_trial_starts(
    make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the time is up, those under way end and nothing else begins."""
    recipe = make_recipe(trials=5, pruner="none", timeout=1e-9)
    record = _search(recipe, listener, SlowFirst(fail=False))
    assert {t.state for t in record.trials} == {"waiting"}
