"""A lock within a PostgreSQL database, wherever its holders run."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, NullPool, Row, create_engine, text

from search.tuning.database_url import opening
from search.tuning.holder import HeldError, Holder

_PREFIX = "search, "
_MOST_BYTES = 63  # of an application's name
# A host that has vanished frees its lock within a minute; one that lives keeps it while it is idle.
_SETTINGS = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "idle_session_timeout": "0",
}
_SET = text("SELECT set_config(name, :value, false) FROM pg_settings WHERE name = :name")
_TRY = text("SELECT pg_try_advisory_lock(:key)")
# pg_locks shows a key's halves, and those of every database of the server.
_HOLDER = text("""
    SELECT application_name, backend_start
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32 | objid::bigint) = :key
""")


@contextmanager
def advisory_lock(url: sqlalchemy.URL, study_name: str) -> Iterator[None]:
    """Hold a study's lock for the block, on a connection of its own.

    The server frees it when that connection ends: with this process, with the network between
    them, with the server. Raises HeldError where it is taken, UserError where the database cannot
    be opened.
    """
    key = lock_key(study_name)
    with opening(url):
        connection = _connect(url)
    with connection:
        with opening(url):
            _sign(connection)
            taken = connection.execute(_TRY, {"key": key}).scalar_one()
            holder = None if taken else _holder(connection, key)
        if holder is not None:
            raise HeldError(holder)
        yield


def advisory_lock_holder(url: sqlalchemy.URL, study_name: str) -> str | None:
    """Return who holds a study's lock, None where nobody does; it is asked for, never taken.

    Raises UserError where the database cannot be opened.
    """
    with opening(url), _connect(url) as connection:
        row = connection.execute(_HOLDER, {"key": lock_key(study_name)}).first()
        return None if row is None else _who(row)


def _connect(url: sqlalchemy.URL) -> Connection:
    return create_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
    ).connect()


def lock_key(study_name: str) -> int:
    """Return a study's key among all advisory locks of a database: 64 bits of a hash, signed."""
    digest = hashlib.sha256(f"search study {study_name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _sign(connection: Connection) -> None:
    me = Holder()
    name = f"{_PREFIX}process {me.process} on {me.host}".encode()[:_MOST_BYTES]
    settings = _SETTINGS | {"application_name": name.decode(errors="ignore")}
    for setting, value in settings.items():
        connection.execute(_SET, {"name": setting, "value": value})


def _holder(connection: Connection, key: int) -> str:
    row = connection.execute(_HOLDER, {"key": key}).first()
    return "another process" if row is None else _who(row)  # it may have ended since


def _who(row: Row[Any]) -> str:
    who = row.application_name.removeprefix(_PREFIX) or "another process"
    if row.backend_start is None:  # not told to other users
        return str(who)
    return f"{who} since {row.backend_start.astimezone(UTC).isoformat(timespec='seconds')}"
