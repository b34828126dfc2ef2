"""Some system attributes of a study, read and written together.

Optuna's own interface reads all of them or writes one, which takes the square of the number of
trials where each trial has its own. The only module that knows Optuna's table of them.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb.models import StudySystemAttributeModel
from sqlalchemy.dialects import postgresql, sqlite

_TABLE: Any = StudySystemAttributeModel.__table__
_INSERTS: Mapping[str, Callable[[Any], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def read_attributes(storage: BaseStorage, study_id: int, prefix: str) -> dict[str, Any]:
    """Return the system attributes of a study whose names begin with the prefix."""
    database = _database(storage)
    if database is None:
        attrs = storage.get_study_system_attrs(study_id)
        return {name: value for name, value in attrs.items() if name.startswith(prefix)}
    query = sqlalchemy.select(_TABLE.c.key, _TABLE.c.value_json).where(
        _TABLE.c.study_id == study_id, _TABLE.c.key.startswith(prefix, autoescape=True)
    )
    with database.engine.connect() as connection:
        return {name: json.loads(value) for name, value in connection.execute(query)}


def write_attributes(storage: BaseStorage, study_id: int, values: Mapping[str, Any]) -> None:
    """Write system attributes of a study: all of them or, if that fails, none."""
    database = _database(storage)
    if database is None:
        for name, value in values.items():
            storage.set_study_system_attr(study_id, name, value)
        return
    rows = [
        {"study_id": study_id, "key": name, "value_json": json.dumps(value)}
        for name, value in values.items()
    ]
    insert = _INSERTS[database.engine.dialect.name](_TABLE)
    replacing = insert.on_conflict_do_update(
        index_elements=["study_id", "key"], set_={"value_json": insert.excluded.value_json}
    )
    if rows:
        with database.engine.begin() as connection:
            connection.execute(replacing, rows)


def _database(storage: BaseStorage) -> RDBStorage | None:
    """Return the database behind a storage; None where there is none, as in memory."""
    within = storage._backend if isinstance(storage, _CachedStorage) else storage
    return within if isinstance(within, RDBStorage) else None
