"""Some system attributes of a study, read and written together.

Optuna's own interface reads all of them or writes one, which takes the square of the number of
trials where each trial has its own. The only module that knows Optuna's table of them.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy
from optuna.storages import BaseStorage
from optuna.storages._rdb.models import StudySystemAttributeModel

from search.tuning.tables import database_of, write_rows

_TABLE: Any = StudySystemAttributeModel.__table__


def read_attributes(storage: BaseStorage, study_id: int, prefix: str) -> dict[str, Any]:
    """Return the system attributes of a study whose names begin with the prefix."""
    database = database_of(storage)
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
    database = database_of(storage)
    if database is None:
        for name, value in values.items():
            storage.set_study_system_attr(study_id, name, value)
        return
    rows = [
        {"study_id": study_id, "key": name, "value_json": json.dumps(value)}
        for name, value in values.items()
    ]
    write_rows(database, _TABLE, rows, ("study_id", "key"))
