"""The short form of `python -m tests.chaos postgres`, and the lock in a database."""

import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import optuna
import pytest
import sqlalchemy

from search.errors import UserError
from search.paths import RunPaths
from search.tuning.locks import study_lock
from search.tuning.storage import open_storage
from tests.chaos.kill import Reference, survive
from tests.chaos.killing import Blow
from tests.chaos.postgres import leaks, with_database
from tests.chaos.searches import Search
from tests.chaos.server import PASSWORD, running_server
from tests.chaos.unavailable import UnavailableError

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

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
def server() -> Iterator[sqlalchemy.URL]:
    try:
        with running_server() as url:
            yield url
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def url(server: sqlalchemy.URL) -> str:
    return server.render_as_string(hide_password=False)


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


def test_a_refused_password_is_not_repeated(server: sqlalchemy.URL, tmp_path: Path) -> None:
    """Storage and lock name user and database, in one line, and star the password."""
    wrong = server.set(password="wr{o}ng%").render_as_string(hide_password=False)  # noqa: S106
    for use in (open_storage, lambda url: _lock_and_release(tmp_path, "study", url)):
        with pytest.raises(UserError, match=r"^storage: .*searcher:\*\*\*@.* failed") as caught:
            use(wrong)
        assert "\n" not in str(caught.value)
        assert not any(text in str(caught.value) for text in ("wr{o}ng", "wr%7Bo"))


def test_a_password_may_stand_in_the_query(server: sqlalchemy.URL) -> None:
    """It is used, and left out of what is shown."""
    bare = server.set(password=None).update_query_dict({"password": PASSWORD})
    storage = open_storage(bare.render_as_string(hide_password=False))
    assert optuna.get_all_study_names(storage) == []
    storage.engine.dispose()
    with pytest.raises(UserError) as caught:
        open_storage(bare.set(database="missing").render_as_string(hide_password=False))
    assert PASSWORD not in str(caught.value)


def test_the_server_answers_before_its_disk(url: str) -> None:
    """On every connection, also after the storage has been to another process."""
    storage = open_storage(url)
    for one in (storage, pickle.loads(pickle.dumps(storage))):  # noqa: S301 - our own
        with one.engine.connect() as first, one.engine.connect() as second:
            for connection in (first, second):
                shown = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
                assert shown == "off"
        one.engine.dispose()


def test_a_killed_search_ends_as_one_in_a_file(
    server: sqlalchemy.URL, reference: Reference, short: Search, tmp_path: Path
) -> None:
    """The results are those of the undisturbed search with SQLite; the password is kept nowhere."""
    search = with_database(dataclasses.replace(short, runs_dir=tmp_path / "runs"), server, 1)
    blows = [Blow("worker", reference.epochs // 3, 0.1)]
    blows.append(Blow("coordinator", reference.epochs // 2, 0.1))
    survival = survive(search, reference, blows, np.random.default_rng(0))
    assert survival.problems == ()
    assert (survival.ordeal.workers_killed, survival.ordeal.coordinators_killed) == (1, 1)
    assert leaks(search) == []
