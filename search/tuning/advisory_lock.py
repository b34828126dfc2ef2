"""A study's lock on a PostgreSQL server, which lasts as long as a connection of its own."""

import hashlib
import threading
from contextlib import suppress
from datetime import UTC
from typing import Any, Self, final

import sqlalchemy
from optuna.storages import RDBStorage
from sqlalchemy import Connection, NullPool, Row, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from search.errors import UserError
from search.tuning.lock_holder import HeldError, Holder
from search.tuning.storage import opening

_PREFIX = "search, "
_MOST_BYTES = 63  # of an application's name
# A host that has vanished frees its lock within a minute; an idle one keeps it.
_SETTINGS = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "idle_session_timeout": "0",
}
_SET = text("SELECT set_config(name, :value, false) FROM pg_settings WHERE name = :name")
_TRY = text("SELECT pg_try_advisory_lock(:key)")
_PING = text("SELECT 1")
# pg_locks shows a key's halves, and those of every database of the server.
_HOLDER = text("""
    SELECT application_name, backend_start
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32 | objid::bigint) = :key
""")


@final
class AdvisoryLock:
    """A study's PostgreSQL advisory lock, held from `take` to `close`.

    The server frees it when its connection ends: if the process, the network or the server fails.
    `keep_with` takes it again then.
    """

    def __init__(self, url: sqlalchemy.URL, study_name: str) -> None:
        self._url, self._study_name, self._key = url, study_name, lock_key(study_name)
        self._one_at_a_time = threading.Lock()
        self._connection: Connection | None = None
        self._is_wanted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self) -> None:
        """Take the lock; raises HeldError if it is taken, UserError if the database is closed."""
        with opening(self._url):
            self._take()
        self._is_wanted = True

    def close(self) -> None:
        """Give the lock back, if it was taken; it is not taken again."""
        with self._one_at_a_time:
            self._is_wanted = False
            self._disconnect()

    def keep_with(self, storage: RDBStorage) -> None:
        """Look after the lock whenever the storage makes a connection, as after a lost one."""
        event.listen(storage.engine, "connect", lambda *_: self.keep())

    def keep(self) -> None:
        """Take the lock again if its connection was lost.

        Raises:
            UserError: Another process has taken it meanwhile.
            SQLAlchemyError: The server does not answer.
        """
        with self._one_at_a_time:
            if not self._is_wanted or self._is_held():
                return
            self._disconnect()
            try:
                self._take()
            except HeldError as error:
                raise UserError(
                    f"study {self._study_name!r} is being run by {error}, which started while the "
                    "database could not be reached; wait for it or end it"
                ) from error

    def _is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(_PING)
        except SQLAlchemyError:
            return False
        return True

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.close()
        self._connection = None

    def _take(self) -> None:
        connection = _connect(self._url)
        try:
            _sign(connection)
            if not connection.execute(_TRY, {"key": self._key}).scalar_one():
                raise HeldError(_holder(connection, self._key))
        except BaseException:
            connection.close()
            raise
        self._connection = connection


def advisory_lock_holder(url: sqlalchemy.URL, study_name: str) -> str | None:
    """Return who holds a study's advisory lock, or None, without taking it.

    Raises UserError if the database cannot be opened.
    """
    with opening(url), _connect(url) as connection:
        row = connection.execute(_HOLDER, {"key": lock_key(study_name)}).first()
        return None if row is None else _who(row)


def lock_key(study_name: str) -> int:
    """Return a study's key among all advisory locks of a database: 64 bits of a hash, signed."""
    digest = hashlib.sha256(f"search study {study_name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _connect(url: sqlalchemy.URL) -> Connection:
    return create_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
    ).connect()


def _sign(connection: Connection) -> None:
    me = Holder()
    name = f"{_PREFIX}process {me.process} on {me.host}".encode()[:_MOST_BYTES]
    settings = _SETTINGS | {"application_name": name.decode(errors="ignore")}
    for setting, value in settings.items():
        connection.execute(_SET, {"name": setting, "value": value})


def _holder(connection: Connection, key: int) -> str:
    row = connection.execute(_HOLDER, {"key": key}).first()
    return "another process" if row is None else _who(row)  # it has ended since


def _who(row: Row[Any]) -> str:
    who = row.application_name.removeprefix(_PREFIX) or "another process"
    if row.backend_start is None:  # hidden from other users
        return str(who)
    return f"{who} since {row.backend_start.astimezone(UTC).isoformat(timespec='seconds')}"
