"""Storage and lock: transactions, one runner, errors in one line."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import optuna
import pytest

from search.errors import MachineError, UserError
from search.paths import RunPaths
from search.study.lock import study_lock
from search.study.storage import open_storage, storage_failures, storage_url


def _pragma(storage: optuna.storages.RDBStorage, name: str) -> object:
    with storage.engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_sqlite_uses_a_write_ahead_log_also_after_pickling(tmp_path: Path) -> None:
    """The pragmas hold on a fresh storage and on its pickled copy."""
    storage = open_storage(storage_url(None, tmp_path / "runs" / "studies.db"))
    for one in (storage, pickle.loads(pickle.dumps(storage))):  # noqa: S301
        assert _pragma(one, "journal_mode") == "wal"
        assert _pragma(one, "synchronous") == 1


@pytest.mark.parametrize("name", ["with {braces}", "with space", "100%"])
def test_odd_folder_names_are_no_trouble(tmp_path: Path, name: str) -> None:
    """A folder's name may hold what URLs and format strings treat specially."""
    url = storage_url(None, tmp_path / name / "studies.db")
    optuna.create_study(study_name="a", storage=open_storage(url))
    assert optuna.get_all_study_names(open_storage(url)) == ["a"]
    assert (tmp_path / name / "studies.db").exists()


def test_two_connections_never_claim_one_waiting_trial(tmp_path: Path) -> None:
    """Each of 40 waiting trials is claimed once by four storages that race for them."""
    url = storage_url(None, tmp_path / "studies.db")
    study = optuna.create_study(study_name="a", storage=open_storage(url))
    for _ in range(40):
        study.enqueue_trial({})
    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(_claim_all, [open_storage(url) for _ in range(4)]))
    assert sorted(chain(*claimed)) == list(range(40))


def _claim_all(storage: optuna.storages.RDBStorage) -> list[int]:
    study = optuna.load_study(study_name="a", storage=storage)
    numbers = []
    while study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,)):
        number = study.ask().number
        if number >= 40:
            break
        numbers.append(number)
    return numbers


@pytest.mark.parametrize(
    "url", ["nonsense", "mysterious://host/name", "postgresql+psycopg://me:secret@127.0.0.1:1/x"]
)
def test_a_bad_url_is_one_line_without_its_password(url: str) -> None:
    """A URL that cannot be used is named in one line, its password left out."""
    with pytest.raises(UserError, match=r"^storage: ") as caught:
        open_storage(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_second_run_is_refused_with_its_holder(tmp_path: Path) -> None:
    """While the lock is held, another run hears who holds it; afterwards it is free."""
    paths = RunPaths(tmp_path, "study")
    with (
        study_lock(paths),
        pytest.raises(UserError, match=r"'study' is being run by process \d+ on .* since"),
        study_lock(paths),
    ):
        pytest.fail("the lock was held twice")
    with study_lock(paths):
        pass


def test_a_failing_database_is_a_machine_failure_in_one_line(tmp_path: Path) -> None:
    """A database that breaks in the middle of a run ends it with what is kept and how to go on."""
    storage = open_storage(storage_url(None, tmp_path / "studies.db"))
    study = optuna.create_study(study_name="a", storage=storage)
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE trials")
    with (
        pytest.raises(MachineError, match=r"'a' failed: .*no such table.* run the same") as caught,
        storage_failures("a"),
    ):
        study.ask()
    assert "\n" not in str(caught.value)
