"""Trials that cannot continue: hanging ones, failing ones, and a full disk."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, final

import pytest

from search.errors import MachineError
from search.executors import InlineExecutor
from search.executors.base import Executor, run_job
from search.executors.training_jobs import TrialOutcome
from search.pipeline import run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning import running_trials
from search.tuning.ask_and_tell import TrialQueue
from search.tuning.endings import EndInfo, end_info
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from search.tuning.store import read_study

pytestmark = pytest.mark.slow

Maker = Callable[..., Recipe]


@final
class Unlucky(Executor):
    """Two slots. The first trial hangs, or ends as the test says; the others are trained."""

    def __init__(self, *outcomes: TrialOutcome) -> None:
        self._outcomes, self._hanging = list(outcomes), dict[int, Any]()

    @property
    def slots(self) -> int:
        return 2

    def submit(self, slot: int, job: Any) -> Any:
        future: Future[TrialOutcome] = Future()
        if job.index > 0:
            future.set_result(run_job(job))
        elif self._outcomes:
            future.set_result(self._outcomes.pop(0))
        else:
            self._hanging[slot] = future
        return future

    def kill(self, slot: int) -> None:
        self._hanging.pop(slot).set_exception(RuntimeError("killed"))

    def close(self) -> None:
        pass


def _search(
    recipe: Recipe, listener: Any, workers: Executor, *, retry_failed: bool = False
) -> StudyRecord:
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    if retry_failed:
        assert TrialQueue(opened).retry_failed() > 0
    try:
        run_search(opened, workers, listener, StopRequest())
    finally:
        record = read_study(opened.study)
    return record


def test_a_hanging_trial_is_ended_and_not_tried_again(make_recipe: Maker, listener: Any) -> None:
    """After `trial_timeout` its worker is killed; it fails with the reason, its siblings do not."""
    recipe = make_recipe(trials=3, trial_timeout=0.5, pruner="none")
    record = _search(recipe, listener, Unlucky())
    failed = [trial for trial in record.trials if trial.state == "failed"]
    assert [trial.plan for trial in failed] == [0]
    assert failed[0].reason == "timed out: it had not ended after 0.5 s (trial_timeout)"
    assert [t.state for t in record.trials if t.plan > 0] == ["complete", "complete"]
    again = _search(recipe, listener, Unlucky())
    assert len(again.trials) == len(record.trials), "nor by the next run"


def test_a_trial_that_timed_out_is_tried_again_with_more_time(
    make_recipe: Maker, listener: Any
) -> None:
    """A larger limit, or none, is a chance; the same one, or a smaller, is not."""
    _search(make_recipe(trials=2, trial_timeout=0.5, pruner="none"), listener, Unlucky())
    less = _search(make_recipe(trials=2, trial_timeout=0.4), listener, Unlucky())
    assert [t.plan for t in less.trials].count(0) == 1
    done = TrialOutcome("failed", "something else")
    for limit in (60.0, None):
        recipe = make_recipe(trials=2, trial_timeout=limit, pruner="none")
        record = _search(recipe, listener, Unlucky(done, done, done))
        assert [t.plan for t in record.trials].count(0) == 4


def test_a_failing_trial_gets_three_attempts(make_recipe: Maker, listener: Any) -> None:
    """Out of memory twice, then trained: a neighbour that has left may have been the cause."""
    oom = TrialOutcome("failed", "oom: not enough memory")
    record = _search(make_recipe(trials=2, pruner="none"), listener, Unlucky(oom, oom, oom))
    assert [t.reason for t in record.trials if t.plan == 0] == [oom.reason] * 3
    assert [t.state for t in record.trials if t.plan == 1] == ["complete"]


def test_failed_trials_are_tried_again_on_request(make_recipe: Maker, listener: Any) -> None:
    """Each gets three attempts more, with its own point; nothing else is trained again."""
    oom = TrialOutcome("failed", "oom: not enough memory")
    recipe = make_recipe(trials=3, pruner="none")
    first = _search(recipe, listener, Unlucky(oom, oom, oom))
    assert first.failed_indices() == {0}
    again = _search(recipe, listener, Unlucky(oom, oom, oom), retry_failed=True)
    assert [t.attempt for t in again.trials if t.plan == 0] == [0, 1, 2, 3, 4, 5]
    assert again.failed_indices() == {0}
    last = run_study(recipe, listener, executor="inline", retry_failed=True).record
    states = [t.state for t in last.trials if t.plan == 0]
    assert states == ["failed"] * 6 + ["complete"]
    assert len(last.trials) == 6 + 3
    assert last.failed_indices() == set()
    assert len({str(t.params) for t in last.trials if t.plan == 0}) == 1


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_the_test_set_is_not_opened_in_silence_after_failures(
    sampler: str, make_recipe: Maker, listener: Any
) -> None:
    """How many trials took no part is said before, and stays with the record of the access."""
    oom = TrialOutcome("failed", "oom: not enough memory")
    recipe = make_recipe(trials=3, pruner="none", sampler=sampler)
    _search(recipe, listener, Unlucky(oom, oom, oom))
    record = run_study(recipe, listener, executor="inline").record
    (said,) = [one for one in listener.notices() if "`retry_failed`" in one]
    assert said.startswith("1 of 3 trials failed and took no part (the last reason: oom: ")
    assert record.openings[0].purpose.endswith("; 1 of 3 trials had failed")
    assert end_info(record, stopped=False) == EndInfo("done", 3, 3, failed=1)
    whole = run_study(recipe, listener, executor="inline", retry_failed=True).record
    assert end_info(whole, stopped=False) == EndInfo("done", 3, 3)


def test_a_trial_of_another_program_is_told_and_left_alone(
    make_recipe: Maker, listener: Any
) -> None:
    """Optuna's `enqueue_trial` adds one that has no place in the plan: nothing is miscounted."""
    recipe = make_recipe(trials=2, pruner="none")
    outcome = run_study(recipe, listener, executor="inline")
    outcome.study.enqueue_trial(outcome.study.trials[1].params)
    more = run_study(make_recipe(trials=4, pruner="none"), listener, executor="inline")
    assert end_info(more.record, stopped=False) == EndInfo("done", 4, 4)
    assert [t.plan for t in more.record.trials] == [0, 1, 2, 3]
    assert any(
        "trial 2 of the database was added by another program" in n for n in listener.notices()
    )


def test_a_full_disk_ends_the_run_in_one_line(make_recipe: Maker, listener: Any) -> None:
    """No other trial is tried; the message says what is kept and how to resume."""
    full = TrialOutcome("fault", "OSError: [Errno 28] No space left on device")
    recipe = make_recipe(trials=3, pruner="none")
    with pytest.raises(MachineError, match=r"No space left on device; finished .* to resume"):
        _search(recipe, listener, Unlucky(full))
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    assert len(read_study(opened.study).trials) <= 3


def test_what_a_checkpoint_keeps_is_not_spent_in_vain(make_recipe: Maker, listener: Any) -> None:
    """An attempt that failed counts the epochs alone that its successor must train again."""
    recipe = make_recipe(trials=1, epochs=4, pruner="none", checkpoint_every=2)
    record = _search(recipe, listener, Dying(plan=0, after=3))
    assert [(t.state, t.fold_epochs) for t in record.trials] == [("failed", 1), ("complete", 4)]


@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_death_changes_no_verdict(after: int, make_recipe: Maker, listener: Any) -> None:
    """A trial that dies before or after the rung that prunes it is pruned there all the same."""
    settings = {"trials": 7, "epochs": 5, "pruner": "halving"}
    calm = _search(make_recipe(study_name="calm", **settings), listener, InlineExecutor())
    pruned = [trial for trial in calm.trials if trial.state == "pruned"]
    assert pruned, "otherwise there is nothing to judge"
    plan = pruned[-1].plan
    shaken = _search(make_recipe(study_name="shaken", **settings), listener, Dying(plan, after))
    failed = [trial.plan for trial in shaken.trials if trial.state == "failed"]
    assert failed == ([plan] if after < len(pruned[-1].history.epochs) else [])
    assert _results(shaken) == _results(calm)


def _results(record: StudyRecord) -> list[tuple[Any, ...]]:
    ended = [t for t in record.trials if t.state in ("complete", "pruned")]
    return sorted((t.plan, t.state, t.value, len(t.history.epochs)) for t in ended)


@final
class Dying(Executor):
    """One slot, in which a plan index's first attempt dies after some epochs."""

    def __init__(self, plan: int, after: int) -> None:
        self._plan: int | None = plan
        self._after = after

    @property
    def slots(self) -> int:
        return 1

    def submit(self, slot: int, job: Any) -> Any:
        future: Future[TrialOutcome] = Future()
        outcome = run_job(replace(job, decision_epochs=frozenset()))
        if job.index == self._plan:
            told = (job.folder / "epochs.jsonl").read_bytes().splitlines(keepends=True)
            (job.folder / "epochs.jsonl").write_bytes(b"".join(told[: self._after]))
            self._plan = None
            future.set_exception(RuntimeError("killed"))
        else:
            future.set_result(outcome)
        return future

    def kill(self, slot: int) -> None:
        raise AssertionError("nothing hangs here")

    def close(self) -> None:
        pass


@final
class Clock:
    """A clock that goes on by some seconds whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 0.01
        assert self.now < 100, "what hangs was not killed"
        return self.now


@final
class SlowFuture(Future[TrialOutcome]):
    """A training that takes 6 s of a clock, and ends when it is looked at."""

    def __init__(self, job: Any, clock: Clock) -> None:
        super().__init__()
        self._job, self._clock = job, clock

    def done(self) -> bool:
        if not super().done():
            self._clock.now += 6
            self.set_result(run_job(self._job))
        return super().done()


@final
class Tiring(Executor):
    """One slot. What begins a trial takes 6 s; what continues one hangs until it is killed."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._begun, self._hanging = clock, set[int](), Future[TrialOutcome]()
        self._since = 0.0
        self.killed: list[float] = []

    @property
    def slots(self) -> int:
        return 1

    def submit(self, slot: int, job: Any) -> Any:
        if job.index not in self._begun:
            self._begun.add(job.index)
            return SlowFuture(replace(job, decision_epochs=frozenset()), self._clock)
        self._hanging, self._since = Future(), self._clock.now
        return self._hanging

    def kill(self, slot: int) -> None:
        self.killed.append(self._clock.now - self._since)
        self._hanging.set_exception(RuntimeError("killed"))

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "settings",
    [
        {"pruner": "asha", "epochs": 7, "trials": 4},
        {"validation": "kfold", "folds": 2, "racing": True, "trials": 3, "epochs": 2},
    ],
    ids=["asha", "racing"],
)
@pytest.mark.usefixtures("looked_at_again_at_once")
def test_a_trial_has_its_time_once(
    settings: dict[str, Any], make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it trained before a pause, or on its first fold, counts; the others' time does not."""
    clock = Clock()
    monkeypatch.setattr(running_trials, "time", clock)
    workers = Tiring(clock)
    record = _search(make_recipe(trial_timeout=10.0, **settings), listener, workers)
    timed_out = [t for t in record.trials if (t.reason or "").startswith("timed out: ")]
    assert len(timed_out) == len(workers.killed) > 0
    assert all(3.5 < seconds < 4.5 for seconds in workers.killed), workers.killed
