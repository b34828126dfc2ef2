"""Workers: processes of their own, whose death costs one trial only."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.executors import InlineExecutor, ProcessExecutor
from search.executors import training_jobs as job_module
from search.executors.base import SchedulerChannel, run_job
from search.executors.training_jobs import TrialJob
from search.recipe import Recipe
from search.tuning.opening import OpenStudy, open_study
from search.tuning.preparing import Plan, prepare
from search.tuning.pruners import HalvingPruner, NoPruner, Pruner
from search.tuning.running_trials import make_trial_job

Maker = Callable[..., Recipe]


def _prepare(recipe: Recipe, listener: Any) -> Plan:
    return prepare(recipe, InlineExecutor(), listener)


def _build_job(recipe: Recipe, listener: Any, folds: tuple[int, ...]) -> TrialJob:
    """Return a job of the space's baseline."""
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    return _job(opened, folds, NoPruner())


def _job(opened: OpenStudy, folds: tuple[int, ...], pruner: Pruner) -> TrialJob:
    candidate = opened.space.baseline()
    assert candidate is not None
    return make_trial_job(opened, 0, 0, candidate, folds, pruner)


@pytest.fixture
def job(make_recipe: Maker, listener: Any) -> TrialJob:
    return _build_job(make_recipe(epochs=3), listener, (0,))


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor(2, threads=1)
    yield executor
    executor.close()


def _elsewhere(job: TrialJob, folder: Path, **changes: Any) -> TrialJob:
    """Return the job with a folder and checkpoints of its own."""
    checkpoints = folder / "checkpoints"
    return replace(job, folder=folder, checkpoints=checkpoints, **changes)


@pytest.mark.slow
def test_processes_train_what_this_process_trains(
    job: TrialJob, executor: ProcessExecutor, tmp_path: Path
) -> None:
    """A worker process reports the very epochs that the same job reports in this process."""
    other = _elsewhere(job, tmp_path / "other")
    assert executor.submit(0, job).result(60).ended == "finished"
    assert run_job(other).ended == "finished"
    assert len((job.folder / "epochs.jsonl").read_bytes().splitlines()) == 3

    def without_seconds(folder: Path) -> list[str]:
        lines = (folder / "epochs.jsonl").read_text(encoding="utf-8").splitlines()
        return [line.partition('"seconds"')[0] for line in lines]

    assert without_seconds(job.folder) == without_seconds(other.folder)


@pytest.mark.slow
def test_a_death_costs_its_own_trial_only(
    job: TrialJob, executor: ProcessExecutor, tmp_path: Path
) -> None:
    """Killing one worker breaks its trial; its sibling finishes and its slot works again."""
    long = replace(job.settings, epochs=100_000)
    doomed = executor.submit(0, _elsewhere(job, tmp_path / "doomed", settings=long))
    sibling = executor.submit(1, _elsewhere(job, tmp_path / "sibling"))
    while not (tmp_path / "doomed" / "epochs.jsonl").exists():
        time.sleep(0.05)
    (pid,) = executor.pids(0)
    os.kill(pid, signal.SIGKILL)
    assert doomed.exception(60) is not None
    assert sibling.result(60).ended == "finished"
    assert executor.submit(0, _elsewhere(job, tmp_path / "next")).result(60).ended == "finished"


@pytest.mark.slow
def test_a_slot_can_be_killed(job: TrialJob, executor: ProcessExecutor, tmp_path: Path) -> None:
    """What trains there ends with an exception, and the slot takes the next trial."""
    endless = replace(job.settings, epochs=100_000)
    future = executor.submit(0, _elsewhere(job, tmp_path / "endless", settings=endless))
    channel = SchedulerChannel(tmp_path / "endless")
    while not channel.receive():
        time.sleep(0.01)
    executor.kill(0)
    assert future.exception(timeout=30) is not None
    again = executor.submit(0, _elsewhere(job, tmp_path / "next"))
    assert again.result(timeout=60).ended == "finished"


def test_where_there_is_no_sigkill_a_slot_is_terminated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where that kills."""
    sent = list[tuple[int, int]]()
    idle = object.__new__(ProcessExecutor)  # without processes
    with monkeypatch.context() as patched:
        patched.delattr(signal, "SIGKILL")
        patched.setattr(ProcessExecutor, "pids", lambda _, slot: [1000 + slot])
        patched.setattr(os, "kill", lambda *call: sent.append(call))
        idle.kill(1)
    assert sent == [(1001, signal.SIGTERM)]


@pytest.mark.slow
def test_workers_follow_a_coordinator_that_was_killed() -> None:
    """After kill -9 of the coordinator its workers, and what they were forked from, are gone."""
    code = (
        "import time\n"
        "from search.executors import ProcessExecutor\n"
        "executor = ProcessExecutor(2, threads=1)\n"
        "print(*executor.pids(0), *executor.pids(1), flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
    assert len(pids) == 2
    for _ in range(1200):  # far more tenths of a second than they need
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            break
        time.sleep(0.1)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.slow
def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    """Workers do not import the script that starts them, which would start itself once more."""
    script = tmp_path / "script.py"
    script.write_text(
        "from search.executors import ProcessExecutor\n"
        "print('started')\n"
        "executor = ProcessExecutor(2, threads=1)\n"
        "print(*(pool.submit(abs, -7).result(60) for pool in executor._pools))\n"
        "executor.close()\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "started\n7 7\n"


@pytest.mark.slow
def test_closing_ends_running_processes(
    job: TrialJob, executor: ProcessExecutor, tmp_path: Path
) -> None:
    """`close` does not wait for a training to end."""
    long = replace(job.settings, epochs=100_000)
    future = executor.submit(0, _elsewhere(job, tmp_path / "long", settings=long))
    while not (tmp_path / "long" / "epochs.jsonl").exists():
        time.sleep(0.05)
    executor.close()
    assert future.exception(60) is not None


@pytest.mark.slow
def test_a_stop_ends_a_trial_within_an_epoch(job: TrialJob, tmp_path: Path) -> None:
    """A trial whose coordinator says stop after a rung ends there, without another epoch."""
    waiting = _elsewhere(job, tmp_path / "trial", decision_epochs=frozenset({2}))
    coordinator = SchedulerChannel(waiting.folder)
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(run_job(waiting)))
    thread.start()
    received = 0
    while received < 2:
        received += len(coordinator.receive())
        coordinator.answer(received, stop=received == 2)
    thread.join(30)
    assert outcome[0].ended == "stopped"
    assert received + len(coordinator.receive()) == 2


@pytest.mark.slow
def test_a_worker_never_raises(job: TrialJob, tmp_path: Path) -> None:
    """Whatever goes wrong in a trial comes back as an outcome with its reason."""
    outcome = run_job(_elsewhere(job, tmp_path / "a", folds_path=tmp_path / "missing.npz"))
    assert outcome.ended == "outage"
    assert "missing.npz" in (outcome.reason or "")
    assert "\n" not in (outcome.reason or "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_from_other_failures(job: TrialJob, tmp_path: Path) -> None:
    """A checkpoint that does not fit is nobody's fault: no other trial would do better."""
    blocked = _elsewhere(job, tmp_path / "blocked")
    blocked.checkpoints.mkdir(parents=True)
    (blocked.checkpoints / ".fold-0.ckpt.tmp").symlink_to("/dev/full")
    outcome = run_job(blocked)
    assert outcome.ended == "fault"
    assert "No space left on device" in (outcome.reason or "")


@pytest.mark.slow
@pytest.mark.parametrize(("every", "kept"), [(1, 2), (3, 2), (0, None)])
def test_a_stop_keeps_the_epoch(
    every: int, kept: int | None, job: TrialJob, tmp_path: Path
) -> None:
    """A trial that is stopped leaves a checkpoint of its last epoch, due or not, if any."""
    stopped = _elsewhere(
        job, tmp_path / "trial", decision_epochs=frozenset({1, 2}), checkpoint_every=every
    )
    thread = threading.Thread(target=lambda: run_job(stopped))
    coordinator, received = SchedulerChannel(stopped.folder), 0
    thread.start()
    while thread.is_alive():
        received += len(coordinator.receive())
        coordinator.answer(received, stop=received == 2)
        time.sleep(0.01)
    files = list(stopped.checkpoints.glob("*.ckpt"))
    assert len(files) == (kept is not None)
    if kept is not None:
        state = job_module.checkpoints_of(stopped).load(0)
        assert state is not None
        assert len(state.history) == kept


@pytest.mark.slow
def test_jobs_say_where_workers_wait(job: TrialJob, make_recipe: Maker, listener: Any) -> None:
    """A job lists the rungs of its rule before the last epoch; none where nothing judges it."""
    assert job.decision_epochs == frozenset()
    opened = open_study(_prepare(make_recipe(epochs=9, study_name="other"), listener))
    assert _job(opened, (0,), HalvingPruner(1, 3)).decision_epochs == {1, 3}
    assert not _job(opened, (1,), NoPruner()).decision_epochs


@pytest.mark.slow
def test_slots_and_counts_are_checked(job: TrialJob) -> None:
    """Bad numbers are named."""
    with pytest.raises(ValueError, match="slots must be at least 1, got 0"):
        ProcessExecutor(0, threads=1)
    with pytest.raises(ValueError, match="slot must be 0, got 1"):
        InlineExecutor().submit(1, job)


@pytest.mark.slow
def test_the_folds_of_a_job_share_one_copy_of_the_data(
    make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many folds a worker trains, images and folds are read once."""
    recipe = make_recipe(epochs=1, validation="kfold", folds=3)
    job = _build_job(recipe, listener, (0, 1, 2))
    read: list[str] = []
    for name in ("load_train_split", "load_folds"):
        load = getattr(job_module, name)

        def counted(*args: Any, name: str = name, load: Any = load) -> Any:
            read.append(name)
            return load(*args)

        monkeypatch.setattr(job_module, name, counted)
    assert run_job(job).ended == "finished"
    assert sorted(read) == ["load_folds", "load_train_split"]
