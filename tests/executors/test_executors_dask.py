"""Searches on a cluster: the same results, without any folder that all machines see."""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from search.data.predictions import TrialPredictions
from search.errors import UserError
from search.executors import DaskExecutor, ExecutorChoice
from search.executors.base import Channel, JobChannel
from search.executors.cluster.agent import Greeting, own_versions
from search.executors.cluster.session import check_versions
from search.executors.cluster.settings import ClusterSettings
from search.paths import ModelPaths, RunPaths
from search.pipeline import Outcome, run_study
from search.recipe import Recipe
from search.training.history import FoldEpoch
from tests.executors.conftest import LocalCluster

pytestmark = pytest.mark.slow

Maker = Callable[..., Recipe]
FIGURES = (FoldEpoch(0.5, 0.25, 0.75, 0.5, 1e-3, 0.0),)
METRIC = """
from helper import share

def right(labels, probabilities):
    return share(labels, probabilities)
"""
HELPER = """
def share(labels, probabilities):
    return float((probabilities.argmax(1) == labels).mean())
"""


@dataclass(frozen=True)
class Endless:
    """Reports its process, and epochs until it is killed or asked to stop."""

    pid_file: Path
    folder: Path

    def run(self, channel: Channel) -> int:
        self.pid_file.write_text(str(os.getpid()), encoding="utf-8")
        for epoch in range(100_000):
            channel.send(FIGURES)
            time.sleep(0.02)
            if channel.stop_requested():
                return epoch
        return -1


@pytest.fixture
def executor(cluster: LocalCluster) -> Iterator[DaskExecutor]:
    with DaskExecutor.start(0, 1, cluster.settings) as executor:
        yield executor


def _facts(outcome: Outcome) -> dict[str, Any]:
    """Return all that a study found, without times."""

    def epochs(history: Any) -> Any:
        return [[replace(fold, seconds=0.0) for fold in folds] for folds in history.epochs]

    record = outcome.record
    weights = ModelPaths(outcome.paths.model_dir).weights.read_bytes()
    winner = record.winner()
    assert winner is not None
    assert record.test is not None
    assert record.refit is not None
    return {
        "trials": sorted(
            (one.plan, one.state, one.params, one.value, epochs(one.history))
            for one in record.trials
        ),
        "winner": winner.plan,
        "refit": epochs(record.refit.history),
        "test": record.test.loss,
        "weights": hashlib.sha256(weights).hexdigest(),
    }


def _await_epoch(channel: JobChannel) -> None:
    deadline = time.monotonic() + 60
    while not channel.receive():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _await_end(pid: int) -> None:
    """Wait until a process has ended, whether or not its parent has noticed."""
    deadline = time.monotonic() + 60
    while _runs(pid):
        assert time.monotonic() < deadline, pid
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:  # it may end at any time
        return False
    return stat.rpartition(") ")[2][0] != "Z"


def test_the_result_is_that_of_one_machine(
    cluster: LocalCluster, make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """Trials, curves, winner, weights and test result are the same with one and two workers.

    A user's space and metric need not exist there; images of the test set never travel.
    """
    (tmp_path / "metric.py").write_text(METRIC, encoding="utf-8")
    (tmp_path / "helper.py").write_text(HELPER, encoding="utf-8")
    settings: dict[str, Any] = {"pruner": "halving", "metric": f"{tmp_path}/metric.py:right"}
    expected = _facts(run_study(make_recipe(**settings), listener, executor="inline"))
    place = ExecutorChoice("dask", cluster.settings)
    for workers in (1, 2):
        recipe = make_recipe(**settings, workers=workers, runs_dir=tmp_path / f"runs-{workers}")
        assert _facts(run_study(recipe, listener, executor=place)) == expected
        assert _kept(recipe) == _kept(make_recipe(**settings)) != {}
    for folder in cluster.folders:
        assert len(list(folder.glob("datasets/*/train_images.npy"))) == 1
        assert not list(folder.rglob("*test*.npy"))
        assert not list(folder.rglob("attempts/*"))


def _kept(recipe: Recipe) -> dict[str, list[Any]]:
    """Return the validation predictions that a study keeps, by the name of their file."""
    folder = RunPaths(recipe.runs_dir, recipe.study_name).predictions_dir
    found = {path.name: TrialPredictions.load(path) for path in folder.iterdir()}
    return {
        name: [array.tolist() for array in vars(one).values()]
        for name, one in found.items()
        if one is not None
    }


def test_paused_trials_continue_on_any_worker(
    cluster: LocalCluster, make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """Their checkpoints travel with them."""
    settings = {"pruner": "asha", "epochs": 3}
    expected = _facts(run_study(make_recipe(**settings), listener, executor="inline"))
    recipe = make_recipe(**settings, workers=2, runs_dir=tmp_path / "cluster")
    place = ExecutorChoice("dask", cluster.settings)
    assert _facts(run_study(recipe, listener, executor=place)) == expected


def test_a_training_is_killed_without_its_worker(executor: DaskExecutor, tmp_path: Path) -> None:
    """Its process ends, its future has an exception, and the slot takes the next job."""
    job = Endless(tmp_path / "pid", tmp_path / "job")
    channel = executor.channel(job.folder)
    future = executor.submit(0, job)
    _await_epoch(channel)
    slots = executor.slots
    executor.kill(0)
    assert future.exception(60) is not None
    _await_end(int(job.pid_file.read_text(encoding="utf-8")))
    assert executor.slots == slots
    reported: list[object] = []
    assert executor.run(replace(job, folder=tmp_path / "next"), reported.append, lambda: True) >= 0
    assert all(one == FIGURES for one in reported)


def test_closing_kills_what_trains(cluster: LocalCluster, tmp_path: Path) -> None:
    """Nothing trains on after its coordinator has gone."""
    job = Endless(tmp_path / "pid", tmp_path / "job")
    with DaskExecutor.start(0, 1, cluster.settings) as executor:
        channel = executor.channel(job.folder)
        future = executor.submit(0, job)
        _await_epoch(channel)
    assert future.exception(60) is not None
    _await_end(int(job.pid_file.read_text(encoding="utf-8")))


def test_the_death_of_a_training_is_a_failure_of_its_job(
    executor: DaskExecutor, tmp_path: Path
) -> None:
    """As on this machine, it is known by BrokenExecutor."""
    job = Endless(tmp_path / "pid", tmp_path / "job")
    channel = executor.channel(job.folder)
    future = executor.submit(0, job)
    _await_epoch(channel)
    os.kill(int(job.pid_file.read_text(encoding="utf-8")), signal.SIGKILL)
    assert "Terminated" in type(future.exception(60)).__name__


def _pid(dask_worker: Any) -> int:
    del dask_worker
    return os.getpid()


def test_the_death_of_a_worker_ends_its_attempt(executor: DaskExecutor, tmp_path: Path) -> None:
    """Its training ends with it, nothing is run again behind our back, and others go on."""
    job = Endless(tmp_path / "pid", tmp_path / "job")
    channel = executor.channel(job.folder)
    future = executor.submit(0, job)
    _await_epoch(channel)
    training = int(job.pid_file.read_text(encoding="utf-8"))
    (address,) = executor.session.busy()
    os.kill(executor.session.call(address, _pid), signal.SIGKILL)
    assert type(future.exception(60)).__name__ == "WorkerLostError"
    _await_end(training)
    again = replace(job, folder=tmp_path / "next")
    assert executor.run(again, stop_requested=lambda: True) >= 0


def test_other_versions_are_refused() -> None:
    """Both are named."""
    own = own_versions()
    check_versions("tcp://a:1", Greeting(Path(), Path(), own, "host", 7, "cpu"))
    other = Greeting(Path(), Path(), own | {"torch": "1.0"}, "host", 7, "cpu")
    with pytest.raises(UserError, match=rf"torch 1\.0, this process torch {own['torch'][:3]}"):
        check_versions("tcp://a:1", other)
    edited = Greeting(Path(), Path(), own | {"code of cifar-search": "0" * 12}, "host", 7, "cpu")
    with pytest.raises(UserError, match=r"has code of cifar-search 000000000000, this process"):
        check_versions("tcp://a:1", edited)


def test_an_unreachable_scheduler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line that says what to start."""
    monkeypatch.setattr("search.executors.cluster.session._CONNECT_SECONDS", 0.5)
    with pytest.raises(UserError, match="no scheduler answers at"):
        DaskExecutor.start(1, 1, ClusterSettings("tcp://127.0.0.1:9"))
