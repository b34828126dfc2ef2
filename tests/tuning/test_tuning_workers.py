"""Workers of a cluster come, leave and are out of reach: what is told, stored and repeated."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar, final

import pytest
from optuna.trial import Trial

from search.errors import MachineError
from search.executors import InlineExecutor
from search.executors.base import Executor, Job, JobChannel, SchedulerChannel
from search.pipeline import run_study
from search.progress.state import Eta, SearchProgress
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.locks import study_lock
from search.tuning.opening import OpenStudy, open_study
from search.tuning.outages import Outages
from search.tuning.preparing import prepare
from search.tuning.recorder import TrialRecorder
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from search.tuning.run_events import EpochEnded, TrialEnded, TrialPlaced, WorkersChanged
from search.tuning.store import read_study
from search.tuning.workers import WorkerWatch
from tests.fakes import make_estimate
from tests.fakes import make_recipe as make_plain_recipe
from tests.study_fixtures import EventRecorder

T = TypeVar("T")
Maker = Callable[..., Recipe]


@final
class Cluster(Executor):
    """Runs jobs in this process, as if on a cluster whose scheduler and workers come and go.

    Args:
        lost: The jobs, counted from 1, at which the scheduler is lost.
        tries: How often one has to try before it is back.
    """

    name = "test"
    is_elsewhere = True

    def __init__(self, lost: tuple[int, ...] = (), tries: int = 2) -> None:
        self._inline = InlineExecutor()
        self._lost, self._tries = lost, tries
        self.n_jobs = self.n_tries = 0
        self.news = [["worker b is refused: other versions"]]

    @property
    def slots(self) -> int:
        return 1

    def take_news(self) -> list[str]:
        return self.news.pop() if self.news else []

    def reconnect(self) -> bool:
        self.n_tries += 1
        return self.n_tries % self._tries == 0

    def channel(self, folder: Any) -> JobChannel:
        channel = SchedulerChannel(folder)
        channel.hosts = (f"host-{self.n_jobs % 2}",)
        return channel

    def submit(self, slot: int, job: Job[T]) -> "Future[T]":
        self.n_jobs += 1
        if self.n_jobs in self._lost:
            future: Future[T] = Future()
            error = MachineError("the scheduler is gone; everything is kept", may_pass=True)
            future.set_exception(error)
            return future
        return self._inline.submit(slot, job)

    def kill(self, slot: int) -> None:
        """Do nothing: no job runs after `submit` has returned."""

    def close(self) -> None:
        """Do nothing."""


def _open(recipe: Recipe) -> OpenStudy:
    return open_study(prepare(recipe, InlineExecutor(), EventRecorder()))


def _search(opened: OpenStudy, cluster: Cluster, patience: float = 30.0) -> EventRecorder:
    recorder, stop = EventRecorder(), StopRequest()
    outages = Outages(opened, recorder, stop, patience, poll=0.0)
    with study_lock(opened.paths):
        assert run_search(opened, cluster, recorder, stop, outages=outages)
    return recorder


def _results(record: StudyRecord) -> list[tuple[Any, ...]]:
    ended = [t for t in record.trials if t.state in ("complete", "pruned")]
    return sorted((t.plan, t.state, t.value, t.best_epoch, t.fold_scores) for t in ended)


@pytest.mark.slow
def test_a_search_waits_for_a_scheduler_that_is_gone(make_recipe: Maker) -> None:
    """It says so once, goes on by itself, and ends with the very trials; none has failed."""
    settings = {"trials": 4, "epochs": 2}
    calm = run_study(make_recipe(**settings, study_name="calm"), EventRecorder(), executor="inline")
    opened = _open(make_recipe(**settings))
    heard = _search(opened, Cluster(lost=(2, 4)))
    record = read_study(opened.study)
    assert _results(record) == _results(calm.record)
    assert [t.reason for t in record.trials if t.state == "failed"] == ["interrupted"] * 2
    waited = [one for one in heard.notices() if "waiting up to" in one]
    assert waited == ["the scheduler is gone: waiting up to 30 s for it"] * 2
    assert sum("trials go on from checkpoints" in one for one in heard.notices()) == 2


@pytest.mark.slow
def test_a_scheduler_that_stays_away_ends_the_run(make_recipe: Maker) -> None:
    """With the line that says how to go on; what was trained is kept."""
    opened = _open(make_recipe(trials=3, epochs=1))
    with pytest.raises(MachineError, match="the scheduler is gone; everything is kept"):
        _search(opened, Cluster(lost=(2,), tries=1_000_000), patience=0.05)
    assert [one.state for one in read_study(opened.study).trials][:1] == ["complete"]


@pytest.mark.slow
def test_it_is_told_and_stored_where_each_trial_ran(make_recipe: Maker) -> None:
    """By the machine's name, in events and in the database; refused workers are told once."""
    opened = _open(make_recipe(trials=3, epochs=1))
    heard = _search(opened, Cluster())
    placed = {event.number: event.host for event in heard.all(TrialPlaced)}
    record = read_study(opened.study)
    assert {one.number: one.hosts for one in record.trials} == {
        number: (host,) for number, host in placed.items()
    }
    assert set(placed.values()) == {"host-0", "host-1"}
    ended = heard.all(TrialEnded)
    assert all(event.fields()["hosts"] == event.trial.hosts != () for event in ended)
    assert heard.notices().count("worker b is refused: other versions") == 1


@pytest.mark.slow
def test_on_one_machine_nothing_is_told_of_workers(make_recipe: Maker) -> None:
    """Neither events nor attributes: what is stored stays as it was."""
    heard = EventRecorder()
    outcome = run_study(make_recipe(trials=2, epochs=1), heard, executor="inline")
    assert not heard.all(TrialPlaced)
    assert not heard.all(WorkersChanged)
    assert all("hosts" not in one.user_attrs for one in outcome.study.trials)
    assert all("hosts" not in event.fields() for event in heard.all(TrialEnded))


def test_how_many_workers_there_are_is_told_when_it_changes(make_recipe: Maker) -> None:
    """Not at every look, and with how many there were."""
    opened, heard, counts = _open(make_recipe()), EventRecorder(), iter([2, 2, 3, 3, 1, 1])

    cluster = Cluster()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cluster, "slots", property(lambda self: next(counts)))
        watch = WorkerWatch(cluster, TrialRecorder(opened), heard)
        for _ in range(5):
            watch.look([])
    changes = [(event.before, event.n_workers) for event in heard.all(WorkersChanged)]
    assert changes == [(2, 3), (3, 1)]


@final
class Moving:
    """A running trial that has been on these machines, as of each look."""

    def __init__(self, trial: Trial, *looks: tuple[str, ...]) -> None:
        self.trial, self._looks = trial, iter(looks)

    def hosts(self) -> tuple[str, ...]:
        return next(self._looks)


def test_a_trial_that_goes_on_after_a_pause_is_nowhere_until_a_worker_is_free(
    make_recipe: Maker,
) -> None:
    """Where it was before stays known; the machine that it came to last stands last."""
    opened, heard = _open(make_recipe()), EventRecorder()
    looks = [(), ("a",), ("a",), (), ("b",), (), ("a",)]
    running: Any = Moving(opened.study.ask(), *looks)
    watch = WorkerWatch(Cluster(), TrialRecorder(opened), heard)
    stored = []
    for _ in looks:
        watch.look([running])
        stored.append(tuple(opened.study.trials[running.trial.number].user_attrs.get("hosts", ())))
    assert stored == [(), ("a",), ("a",), ("a",), ("a", "b"), ("a", "b"), ("b", "a")]
    assert [event.host for event in heard.all(TrialPlaced)] == ["a", "b", "a"]


@pytest.mark.parametrize("after", [1, 3, 6])
def test_the_time_left_follows_the_number_of_workers(after: int) -> None:
    """In proportion, for what was estimated and for the pace so far; there and back is nothing."""
    progress = SearchProgress(make_plain_recipe(), 4)
    eta = Eta(progress, make_estimate(80, 80), began=0.0)
    progress.take(EpochEnded(0, 1, 0.5))
    eta.update(8.0)
    before = eta.seconds_left(8.0)
    assert before is not None
    eta.change_workers(2, after, 8.0)
    assert eta.seconds_left(8.0) == pytest.approx(before * 2 / after)
    eta.change_workers(after, 2, 8.0)
    assert eta.seconds_left(8.0) == pytest.approx(before)
