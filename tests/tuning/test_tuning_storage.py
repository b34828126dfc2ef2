"""Storage: transactions, odd names, failures in one line."""

import multiprocessing
import os
import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError

from search.errors import MachineError, UserError
from search.tuning.storage import (
    database_failure,
    lock_folder,
    open_storage,
    storage_failures,
    storage_url,
    unstorable_value,
)


def _pragma(storage: optuna.storages.RDBStorage, name: str) -> object:
    with storage.engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_sqlite_uses_a_write_ahead_log_also_after_pickling(tmp_path: Path) -> None:
    """The pragmas hold on a fresh storage and on its pickled copy."""
    storage = open_storage(storage_url(None, tmp_path / "runs" / "studies.db"))
    for one in (storage, pickle.loads(pickle.dumps(storage))):  # noqa: S301
        assert _pragma(one, "journal_mode") == "wal"
        assert _pragma(one, "synchronous") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["with {braces}", "with space", "100%", "100%41", "why?", "a#b", "me:s@x", "ünï"]
)
def test_odd_folder_names_are_no_trouble(tmp_path: Path, name: str) -> None:
    """A folder's name may hold what URLs and format strings treat specially."""
    url = storage_url(None, tmp_path / name / "studies.db")
    optuna.create_study(study_name="a", storage=open_storage(url))
    assert optuna.get_all_study_names(open_storage(url)) == ["a"]
    assert (tmp_path / name / "studies.db").exists()


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # of a fork
@pytest.mark.parametrize("n_starts", [2, 3, 8])
def test_starts_in_a_fresh_folder_do_not_disturb_each_other(tmp_path: Path, n_starts: int) -> None:
    """A job array starts all of its studies at the same moment; each finds the tables made."""
    context = multiprocessing.get_context("fork")
    for round_ in range(3):
        url = storage_url(None, tmp_path / f"runs{round_}" / "studies.db")
        barrier = context.Barrier(n_starts)
        starts = [
            context.Process(target=_start, args=(url, f"s{n}", barrier)) for n in range(n_starts)
        ]
        for one in starts:
            one.start()
        for one in starts:
            one.join()
        assert [one.exitcode for one in starts] == [0] * n_starts
        names = optuna.get_all_study_names(open_storage(url))
        assert sorted(names) == [f"s{n}" for n in range(n_starts)]


def _start(url: str, name: str, barrier: Any) -> None:
    barrier.wait()
    optuna.create_study(study_name=name, storage=open_storage(url))


@pytest.mark.slow
def test_other_programs_lose_nothing_of_a_process_with_two_storages(tmp_path: Path) -> None:
    """A run opens the database twice. Whoever reads it meanwhile must not delete its log."""
    url = storage_url(None, tmp_path / "studies.db")
    ours = open_storage(url)
    optuna.create_study(study_name="first", storage=ours)
    publishers = open_storage(url)
    assert publishers.get_all_studies()
    assert _names_elsewhere(url) == ["first"]
    assert (tmp_path / "studies.db-wal").exists()
    optuna.create_study(study_name="second", storage=ours)
    optuna.create_study(study_name="third", storage=publishers)
    assert _names_elsewhere(url) == ["first", "second", "third"]


def _names_elsewhere(url: str) -> list[str]:
    """Return the studies as another process reads them, which ends then."""
    code = (
        "import optuna, sys; from search.tuning.storage import open_storage; "
        "print(*sorted(optuna.get_all_study_names(open_storage(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, url]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.slow
def test_a_database_of_plain_optuna_becomes_ready(tmp_path: Path) -> None:
    """Its studies are kept; it is in WAL mode afterwards, and opening it again takes no lock."""
    file = tmp_path / "studies.db"
    optuna.create_study(study_name="old", storage=f"sqlite:///{file}")
    storage = open_storage(storage_url(None, file))
    assert optuna.get_all_study_names(storage) == ["old"]
    assert _pragma(storage, "journal_mode") == "wal"
    storage.engine.dispose()
    for one in (lock_folder(file)).iterdir():
        one.unlink()
    open_storage(storage_url(None, file))
    assert not list(lock_folder(file).iterdir())


def test_a_failing_database_is_a_machine_failure_in_one_line(tmp_path: Path) -> None:
    """A database that fails during a run ends it, saying what is kept and how to resume."""
    storage = open_storage(storage_url(None, tmp_path / "studies.db"))
    study = optuna.create_study(study_name="a", storage=storage)
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE trials")
    with (
        pytest.raises(MachineError, match=r"'a' failed: .*no such table.* run it again") as caught,
        storage_failures("a"),
    ):
        study.ask()
    assert "\n" not in str(caught.value)


def test_a_folder_without_permission_is_a_machine_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the database cannot be written the line says so, and what is needed."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(MachineError, match=r"^storage: .* Permission denied; you must be able"):
        open_storage(storage_url(None, tmp_path / "runs" / "studies.db"))


def test_a_folder_that_cannot_be_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like an archive: the studies can be read, no files are added, nothing can be changed."""
    url = storage_url(None, tmp_path / "studies.db")
    written = open_storage(url)
    optuna.create_study(study_name="a", storage=written)
    written.engine.dispose()
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.W_OK)
    archive = open_storage(url)
    assert optuna.get_all_study_names(archive) == ["a"]
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(StorageInternalError):
        optuna.create_study(study_name="b", storage=archive)
    archive.engine.dispose()


def test_a_full_disk_is_a_machine_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own errors are the machine's, whatever the URL."""

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", None, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr("search.tuning.storage.SQLiteStorage", refuse)
    with pytest.raises(MachineError, match="disk is full; stored trials are kept"):
        open_storage(storage_url(None, tmp_path / "studies.db"))


def test_what_is_no_database_is_a_mistake(tmp_path: Path) -> None:
    """Another file, and a file where a folder would be, are not the machine's fault."""
    (tmp_path / "text").write_text("no database at all, but long enough for a header" * 9)
    for name in ("text", "text/studies.db"):
        with pytest.raises(UserError, match=r"^storage: .* cannot be opened: "):
            open_storage(f"sqlite:///{tmp_path / name}")


def _attribute(value: object) -> Callable[[optuna.Study], object]:
    return lambda study: study.ask().set_user_attr("a", value)


def _numpy_choices(study: optuna.Study) -> None:
    choices: Any = list(np.arange(2))
    study.ask().suggest_categorical("x", choices)


def _changed_choices(study: optuna.Study) -> None:
    for choices in (("a", "b"), ("a", "c")):
        study.ask().suggest_categorical("x", choices)


_UNSTORABLE: dict[str, Callable[[optuna.Study], object]] = {
    "a NumPy integer": _attribute(np.int64(3)),
    "a set": _attribute({1}),
    "NumPy integers as choices": _numpy_choices,
    "other choices": _changed_choices,
    "half a character": lambda study: optuna.create_study(
        study_name="b\udcc3", storage=study._storage
    ),
    "too large a step": lambda study: study._storage.set_trial_intermediate_value(
        study.ask()._trial_id, 2**70, 0.5
    ),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("store", _UNSTORABLE.values(), ids=_UNSTORABLE)
def test_a_value_that_cannot_be_stored_is_no_damage(
    store: Callable[[optuna.Study], object], tmp_path: Path
) -> None:
    """Whoever gave it is told so; nobody is sent to restore a backup."""
    storage = open_storage(storage_url(None, tmp_path / "studies.db"))
    study = optuna.create_study(study_name="a", storage=storage)
    with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
        store(study)
    assert database_failure(caught.value) is None
    line = unstorable_value(caught.value)
    assert line is not None
    assert type(caught.value).__name__ in line


_DAMAGE = {
    "a state": "UPDATE trials SET state = 'LOST'",
    "a time": "UPDATE trials SET datetime_start = 'noon'",
    "a distribution": """UPDATE trial_params SET distribution_json = '{"name": "Other"}'""",
    "JSON": "UPDATE trial_user_attributes SET value_json = '{'",
}


@pytest.mark.slow
@pytest.mark.parametrize("statement", _DAMAGE.values(), ids=_DAMAGE)
def test_damage_of_what_is_stored_is_named(statement: str, tmp_path: Path) -> None:
    """Wrong bytes in a valid SQLite file are met as all kinds of errors."""
    url = storage_url(None, tmp_path / "studies.db")
    storage = open_storage(url)
    trial = optuna.create_study(study_name="a", storage=storage).ask()
    trial.suggest_float("x", 0, 1)
    trial.set_user_attr("a", 1)
    with storage.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        _ = optuna.load_study(study_name="a", storage=open_storage(url)).trials
    assert unstorable_value(caught.value) is None
    line = database_failure(caught.value)
    assert line is not None
    assert line.startswith("the database of the studies failed or is damaged: ")


def test_errors_of_other_code_are_neither() -> None:
    """Only what comes from the storage is told as its failure."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - of any kind
        int("x")
    assert database_failure(caught.value) is None
    assert unstorable_value(caught.value) is None
