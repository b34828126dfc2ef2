"""Optuna's storage, made safe for SQLite: write-ahead log and honest transactions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from search.errors import MachineError
from search.tuning.database_url import (
    first_line,
    opening,
    optuna_url,
    parse_url,
    read_only,
    sqlite_file,
)


@final
class SQLiteStorage(RDBStorage):
    """RDBStorage on a SQLite file, in WAL mode, each transaction begun with BEGIN IMMEDIATE.

    SQLite ignores SELECT ... FOR UPDATE, on which Optuna relies: without BEGIN IMMEDIATE two
    processes can claim one waiting trial.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, engine_kwargs={"connect_args": {"timeout": 60}})
        self._listen()

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self._listen()

    def _listen(self) -> None:
        sqlalchemy.event.listen(self.engine, "connect", _on_connect)
        sqlalchemy.event.listen(self.engine, "begin", _on_begin)
        self.engine.dispose()


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _on_begin(connection: sqlalchemy.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def storage_url(url: str | None, database: Path) -> str:
    """Return the storage's URL: the given one with its driver, or that of the SQLite file.

    It holds the password, if there is one. Raises UserError where the given one is malformed.
    """
    if url is not None:
        return parse_url(url).render_as_string(hide_password=False)
    return sqlalchemy.URL.create("sqlite", database=str(database.resolve())).render_as_string()


def open_storage(text: str) -> RDBStorage:
    """Return the storage behind the URL; creates the SQLite file and its folder if needed.

    A SQLite file that cannot be written is opened to be read alone. Raises UserError where the URL
    is malformed or the database does not answer, MachineError where there is no space or no
    permission for a SQLite file.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = parse_url(text)
    file = sqlite_file(url)
    with opening(url):
        if file is None:
            return RDBStorage(optuna_url(url), engine_kwargs={"pool_pre_ping": True})
        if file.exists() and not all(os.access(one, os.W_OK) for one in (file, file.parent)):
            return RDBStorage(optuna_url(read_only(url)))
        file.parent.mkdir(parents=True, exist_ok=True)
        return SQLiteStorage(optuna_url(url))


@contextmanager
def storage_failures(study_name: str) -> Iterator[None]:
    """Turn a database's failure in the block into a MachineError that says how to go on."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        reason = first_line(error.__cause__ or error)
        raise MachineError(
            f"the database of study {study_name!r} failed: {reason}; finished trials are kept, "
            "run the same command again to go on"
        ) from error
