"""The short form of `python -m tests.chaos postgres`, and the lock in a database."""

import dataclasses
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
import optuna
import pytest
import sqlalchemy
from sqlalchemy import event

from search.errors import MachineError, UserError
from search.events import Event, Listener
from search.paths import RunPaths
from search.pipeline import locked_run
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.advisory_lock import AdvisoryLock, advisory_lock_holder
from search.tuning.lock_holder import HeldError
from search.tuning.locks import study_lock
from search.tuning.outages import Outages
from search.tuning.records import StudyRecord
from search.tuning.run_events import TrialStarted
from search.tuning.storage import open_storage, parse_url
from search.tuning.trial_values import ReportedValues, note
from tests.chaos.kill import Reference, survive
from tests.chaos.killing import Blow
from tests.chaos.postgres import leaks, with_database
from tests.chaos.searches import Search
from tests.chaos.server import PASSWORD, Server, running_server
from tests.chaos.unavailable import UnavailableError
from tests.study_fixtures import EventRecorder, ended_results

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

Maker = Callable[..., Recipe]
_SETTINGS: dict[str, Any] = {"trials": 6, "epochs": 5, "pruner": "halving", "study_name": "calm"}

_HOLD = """
import sys, time
from pathlib import Path
from search.paths import RunPaths
from search.tuning.locks import study_lock
with study_lock(RunPaths(Path(sys.argv[1]), "study"), sys.argv[2]):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    try:
        with running_server() as running:
            yield running
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def url(server: Server) -> str:
    return server.url.render_as_string(hide_password=False)


@pytest.fixture
def holder(url: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of the study "study", from a runs folder of its own."""
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "theirs"), url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_runs_folder_is_refused_with_the_holder(
    holder: subprocess.Popen[str], url: str, tmp_path: Path
) -> None:
    """The lock is the database's; another study of it is free, and a killed holder frees it."""
    ours = tmp_path / "ours"
    with pytest.raises(
        UserError, match=rf"'study' is being run by process {holder.pid} on .+ since 20.+; wait"
    ):
        _lock_and_release(ours, "study", url)
    _lock_and_release(ours, "another", url)
    holder.kill()
    holder.wait()
    _lock_and_release(ours, "study", url)


def _lock_and_release(runs_dir: Path, name: str, url: str) -> None:
    with study_lock(RunPaths(runs_dir, name), url):
        assert RunPaths(runs_dir, name).lock_holder.exists()


def test_a_refused_password_is_not_repeated(server: Server, tmp_path: Path) -> None:
    """Storage and lock name user and database, in one line, and star the password."""
    wrong = server.url.set(password="wr{o}ng%").render_as_string(hide_password=False)  # noqa: S106
    for use in (open_storage, lambda url: _lock_and_release(tmp_path, "study", url)):
        with pytest.raises(UserError, match=r"^storage: .*searcher:\*\*\*@.* failed") as caught:
            use(wrong)
        assert "\n" not in str(caught.value)
        assert not any(text in str(caught.value) for text in ("wr{o}ng", "wr%7Bo"))


def test_a_password_may_stand_in_the_query(server: Server) -> None:
    """It is used, and left out of what is shown."""
    bare = server.url.set(password=None).update_query_dict({"password": PASSWORD})
    storage = open_storage(bare.render_as_string(hide_password=False))
    assert optuna.get_all_study_names(storage) == []
    storage.engine.dispose()
    with pytest.raises(UserError) as caught:
        open_storage(bare.set(database="missing").render_as_string(hide_password=False))
    assert PASSWORD not in str(caught.value)


def test_only_values_of_epochs_do_not_wait_for_the_disk(url: str) -> None:
    """A crash of the server loses no trial, and no access to the test set."""
    storage = open_storage(url)
    trial = optuna.create_study(storage=storage, study_name="disk").ask()
    waits: list[str] = []

    def ask(connection: sqlalchemy.Connection) -> None:
        waits.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar_one())

    event.listen(storage.engine, "commit", ask)
    values = ReportedValues(storage)
    values.add(trial._trial_id, 1, 0.5)
    values.write()
    assert waits == ["off"]
    note(trial, {"candidate": "{}"})
    trial.study.set_user_attr("test_openings", [])
    storage.set_trial_state_values(trial._trial_id, optuna.trial.TrialState.COMPLETE, [0.5])
    assert set(waits[1:]) == {"on"}
    event.remove(storage.engine, "commit", ask)
    storage.engine.dispose()


def test_a_storage_may_go_to_another_process(url: str) -> None:
    storage = open_storage(url)
    there = pickle.loads(pickle.dumps(storage))  # noqa: S301 - our own
    assert there.get_all_studies() == storage.get_all_studies()
    for one in (storage, there):
        one.engine.dispose()


def test_a_killed_search_ends_as_one_in_a_file(
    server: Server, reference: Reference, short: Search, tmp_path: Path
) -> None:
    """The results are those of the undisturbed search with SQLite; the password is kept nowhere."""
    search = with_database(dataclasses.replace(short, runs_dir=tmp_path / "runs"), server.url, 1)
    blows = [Blow("worker", reference.epochs // 3, 0.1)]
    blows.append(Blow("coordinator", reference.epochs // 2, 0.1))
    survival = survive(search, reference, blows, np.random.default_rng(0))
    assert survival.problems == ()
    assert (survival.ordeal.workers_killed, survival.ordeal.coordinators_killed) == (1, 1)
    assert leaks(search) == []


# A server that is away


@final
class Crash:
    """A listener that stops the server when the n-th trial starts, for some seconds."""

    def __init__(self, server: Server, n_trials: int, seconds: float | None) -> None:
        self._server, self._n_trials, self._seconds = server, n_trials, seconds

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted):
            self._n_trials -= 1
            if self._n_trials == 0:
                self._server.stop()
                if self._seconds is not None:
                    threading.Timer(self._seconds, self._server.start).start()


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_search_survives_a_server_that_is_away(
    executor: str, server: Server, url: str, make_recipe: Maker, listener: EventRecorder
) -> None:
    """It ends as with a file, holds its lock again, and no trial counts as failed."""
    calm = _run(make_recipe(**_SETTINGS), listener, "inline")
    recipe = make_recipe(
        **_SETTINGS | {"study_name": f"away-{executor}", "workers": 2}, storage=url
    )
    record = _run(recipe, Crash(server, 3, 2.0), executor)
    assert ended_results(record) == ended_results(calm)
    assert {t.reason for t in record.trials if t.state == "failed"} <= {"interrupted"}


@final
class UnnoticedCrash:
    """A listener that has the server crash and start again when the n-th trial starts.

    Then it waits until connections count as idle: they are made again without an error.
    """

    def __init__(self, server: Server, n_trials: int) -> None:
        self._server, self._n_trials = server, n_trials

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted):
            self._n_trials -= 1
            if self._n_trials == 0:
                self._server.stop()
                self._server.start()
                time.sleep(1.2)


def test_a_crash_that_nobody_notices_loses_no_trial(
    server: Server, url: str, make_recipe: Maker, listener: EventRecorder
) -> None:
    """Neither the one that has just begun, nor the one that has just ended."""
    calm = _run(make_recipe(**_SETTINGS), listener, "inline")
    recipe = make_recipe(**_SETTINGS | {"study_name": "unnoticed"}, storage=url)
    record = _run(recipe, UnnoticedCrash(server, 3), "inline")
    assert ended_results(record) == ended_results(calm)


def test_a_server_that_stays_away_ends_the_run_in_one_line(
    server: Server,
    url: str,
    make_recipe: Maker,
    listener: EventRecorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is lost: the same command trains the other trials."""
    calm = _run(make_recipe(**_SETTINGS), listener, "inline")
    recipe = make_recipe(**_SETTINGS | {"study_name": "gone"}, storage=url)
    with monkeypatch.context() as impatient:
        impatient.setattr("search.tuning.connections.PATIENCE_SECONDS", 0.2)
        impatient.setattr(Outages.__init__, "__defaults__", (0.5, 0.05))
        with pytest.raises(MachineError, match=r"database.*run it again to resume") as caught:
            _run(recipe, Crash(server, 3, None), "inline")
    assert "\n" not in str(caught.value)
    server.start()
    record = _run(recipe, listener, "inline")
    assert ended_results(record) == ended_results(calm)
    assert len(record.openings) == 1


def _run(recipe: Recipe, listener: Listener, executor: str) -> StudyRecord:
    """Run a study, whose lock must be this process's at its end."""
    with locked_run(recipe, listener, StopRequest(), executor=executor) as outcome:
        if recipe.storage is not None:
            holder = advisory_lock_holder(parse_url(recipe.storage), recipe.study_name)
            assert f"process {os.getpid()} on" in str(holder)
        storage: Any = outcome.study._storage
        storage._backend.engine.dispose()
        return outcome.record


def test_an_idle_storage_does_not_notice_a_restart(server: Server, url: str) -> None:
    """As between the epochs of a long training, or during the refit."""
    storage = open_storage(url)
    study = optuna.create_study(storage=storage)
    time.sleep(1.5)
    server.stop()
    server.start()
    study.set_user_attr("found", 1)
    assert study.user_attrs == {"found": 1}
    storage.engine.dispose()


def test_a_lock_that_a_server_lost_may_be_another_process_s(server: Server, url: str) -> None:
    """It is taken again, unless somebody else has it meanwhile."""
    with (
        AdvisoryLock(parse_url(url), "study") as ours,
        AdvisoryLock(parse_url(url), "study") as own,
    ):
        ours.take()
        for _ in range(2):
            with pytest.raises(HeldError):
                own.take()
            server.stop()
            server.start()
            ours.keep()
        server.stop()
        server.start()
        own.take()
        with pytest.raises(UserError, match=rf"'study' is being run by process {os.getpid()} on"):
            ours.keep()
        own.close()
        own.keep()  # as a storage asks for, which lives on after the run
        ours.keep()
