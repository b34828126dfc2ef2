"""Optuna's tables in a database, for writing many rows at once, which its own interface cannot."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from sqlalchemy.dialects import postgresql, sqlite

_INSERTS: Mapping[str, Callable[[Any], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def database_of(storage: BaseStorage) -> RDBStorage | None:
    """Return the database behind a storage; None where there is none, as in memory."""
    within = storage._backend if isinstance(storage, _CachedStorage) else storage
    return within if isinstance(within, RDBStorage) else None


def write_rows(
    database: RDBStorage,
    table: sqlalchemy.Table,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    *,
    on_disk: bool = True,
) -> None:
    """Write rows in one transaction, over those with the same values of the keys.

    A PostgreSQL server answers once it has them on its disk, unless `on_disk` is False: then a
    crash of the server may lose what was written in the last second. SQLite keeps them in its log.
    """
    if not rows:
        return
    insert = _INSERTS[database.engine.dialect.name](table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    replacing = insert.on_conflict_do_update(index_elements=list(keys), set_=changed)
    with database.engine.begin() as connection:
        if not on_disk and connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
        connection.execute(replacing, list(rows))
