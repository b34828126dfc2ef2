"""How Optuna's storage is connected with a database: a SQLite file, or a PostgreSQL server."""

import time
from abc import ABC, abstractmethod
from functools import partial
from typing import Any, final

import sqlalchemy
from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from search.errors import causes

PATIENCE_SECONDS = 60  # with other writers of a SQLite file, or a server that does not answer
_POLL_SECONDS = 1.0
_IDLE_SECONDS = 1.0  # after which a connection is tried before it is used
_USED = "used"
# A server that is going down, that starts, or that has no connection to spare; 08: connection lost.
_AWAY = ("57P01", "57P02", "57P03", "53300")


class _ListeningStorage(RDBStorage, ABC):
    """RDBStorage that sets up each of its connections, in every process that it is sent to."""

    def __init__(self, url: str, **engine_kwargs: Any) -> None:
        super().__init__(url, engine_kwargs=engine_kwargs)
        self._set_up()

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self._set_up()

    def _set_up(self) -> None:
        self._listen()
        self.engine.dispose()  # of connections that were made before

    @abstractmethod
    def _listen(self) -> None:
        """Listen to the engine's events."""


@final
class SQLiteStorage(_ListeningStorage):
    """RDBStorage on a SQLite file in WAL mode; every transaction starts with BEGIN IMMEDIATE.

    SQLite ignores SELECT ... FOR UPDATE, on which Optuna relies: without BEGIN IMMEDIATE two
    processes can claim one waiting trial.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, connect_args={"timeout": PATIENCE_SECONDS})

    def _listen(self) -> None:
        event.listen(self.engine, "connect", _on_connect)
        event.listen(self.engine, "begin", _on_begin)


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _on_begin(connection: sqlalchemy.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@final
class PostgreSQLStorage(_ListeningStorage):
    """RDBStorage on a PostgreSQL server.

    Once it was opened, a server that does not answer is tried again for a minute. A connection is
    tried before it is used only if it was idle: asking each time would double what is sent.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, connect_args={"keepalives_idle": 30})

    def _listen(self) -> None:
        event.listen(self.engine, "do_connect", _connect_patiently)
        event.listen(self.engine, "connect", _note_use)
        event.listen(self.engine, "checkout", partial(_try_if_idle, self.engine.dialect))
        event.listen(self.engine, "checkin", _note_use)


def _connect_patiently(
    dialect: sqlalchemy.Dialect, _record: object, args: tuple[Any, ...], settings: dict[str, Any]
) -> DBAPIConnection:
    """Return a connection with the server, which may be away for a minute."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return dialect.connect(*args, **settings)
        except dialect.loaded_dbapi.OperationalError as error:
            if not _is_away(error) or time.monotonic() > end:
                raise
            time.sleep(_POLL_SECONDS)


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


def _try_if_idle(
    dialect: sqlalchemy.Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: object
) -> None:
    """Have the pool make new connections if this one was idle, and lost meanwhile."""
    if time.monotonic() - record.info[_USED] < _IDLE_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def is_lost_server(error: BaseException) -> bool:
    """Return whether an error of SQLAlchemy's, or its cause, is that a server does not answer."""
    return any(map(_is_lost, causes(error)))


def _is_lost(error: BaseException) -> bool:
    if not isinstance(error, DBAPIError) or error.orig is None:
        return False
    return error.connection_invalidated or (
        isinstance(error, OperationalError) and _is_away(error.orig)
    )


def _is_away(error: BaseException) -> bool:
    """Return whether an OperationalError of a driver's is that; SQLite's have no state."""
    state: str | None = getattr(error, "sqlstate", "")
    return state is None or state.startswith("08") or state in _AWAY
