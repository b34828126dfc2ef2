"""Optuna's storage, made safe for SQLite: write-ahead log and honest transactions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from search.errors import MachineError, UserError


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
    """Return the storage's URL: the given one, or that of the SQLite file."""
    return url if url is not None else f"sqlite:///{database.resolve()}"


def open_storage(url: str) -> RDBStorage:
    """Return the storage behind the URL; creates the SQLite file and its folder if needed.

    Raises UserError where the URL is malformed or the database does not answer.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parsed = _parse(url)
    build: Callable[[], RDBStorage]
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and not parsed.database.startswith("file:"):
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        build = lambda: SQLiteStorage(_escape(url))  # noqa: E731
    else:
        build = lambda: RDBStorage(_escape(url), engine_kwargs={"pool_pre_ping": True})  # noqa: E731
    try:
        return build()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        shown = parsed.render_as_string(hide_password=True)
        raise UserError(f"storage: {shown!r} cannot be opened: {reason}") from error


@contextmanager
def storage_failures(study_name: str) -> Iterator[None]:
    """Turn a database's failure in the block into a MachineError that says how to go on."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise MachineError(
            f"the database of study {study_name!r} failed: {reason}; finished trials are kept, "
            "run the same command again to go on"
        ) from error


def _parse(url: str) -> sqlalchemy.URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise UserError(
            "storage: the value is not a database URL such as sqlite:///runs/studies.db or "
            "postgresql+psycopg://user@host/name"
        ) from error


def _escape(url: str) -> str:
    """Return the URL with braces doubled, as Optuna formats URLs."""
    return url.replace("{", "{{").replace("}", "}}")
