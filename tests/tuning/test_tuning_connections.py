"""Connections with a server that is away: which errors mean that, and how long one is patient."""

import sqlite3
from typing import Any, cast, final

import pytest
import sqlalchemy
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from search.tuning import connections
from search.tuning.connections import is_lost_server
from search.tuning.storage import is_out_of_reach


class _DriverError(Exception):
    """An operational error as psycopg raises it: with a state where the server gave one."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("connection failed")
        self.sqlstate = sqlstate


@final
class _Dialect:
    """A dialect whose server refuses some connections."""

    def __init__(self, *errors: str | None) -> None:
        self._errors, self.loaded_dbapi = list(errors), self
        self.n_tried = 0

    OperationalError = _DriverError

    def connect(self, *args: str, **settings: str) -> tuple[Any, ...]:
        self.n_tried += 1
        if self._errors:
            raise _DriverError(self._errors.pop(0))
        return args, settings


def _connect(dialect: _Dialect) -> Any:
    known = cast("sqlalchemy.Dialect", dialect)
    return connections._connect_patiently(known, None, ("host",), {"user": "me"})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_POLL_SECONDS", 0.0)


def test_a_server_that_is_away_is_tried_again() -> None:
    """It does not answer, then starts, then has no connection to spare."""
    dialect = _Dialect(None, "57P03", "53300")
    assert _connect(dialect) == (("host",), {"user": "me"})
    assert dialect.n_tried == 4


@pytest.mark.parametrize("sqlstate", ["3D000", "28P01", "42501"])
def test_a_server_that_refuses_is_not_tried_again(sqlstate: str) -> None:
    """There is no such database, or no permission."""
    dialect = _Dialect(sqlstate, None)
    with pytest.raises(_DriverError):
        _connect(dialect)
    assert dialect.n_tried == 1


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last error is raised."""
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", -1.0)
    with pytest.raises(_DriverError):
        _connect(_Dialect(None, None))


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (OperationalError("SELECT", {}, _DriverError(None)), True),
        (OperationalError("SELECT", {}, _DriverError("08006")), True),
        (OperationalError("SELECT", {}, _DriverError("57P01")), True),
        (OperationalError("SELECT", {}, _DriverError("53100")), False),  # the disk is full
        (OperationalError("SELECT", {}, _DriverError("40P01")), False),  # a deadlock
        (IntegrityError("INSERT", {}, _DriverError(None)), False),
        (DBAPIError("SELECT", {}, _DriverError("XX000"), connection_invalidated=True), True),
        (OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked")), False),
        (ValueError("no database"), False),
    ],
)
def test_which_errors_mean_that_a_server_is_away(error: Exception, *, lost: bool) -> None:
    """Also where Optuna has wrapped them; those of SQLite are told by their words."""
    assert is_lost_server(error) is lost
    assert is_out_of_reach(error) is lost
    error.__cause__ = getattr(error, "orig", None)  # as SQLAlchemy raises it
    assert is_out_of_reach(error) is lost
    wrapped = RuntimeError("storage")
    wrapped.__cause__ = error
    assert is_out_of_reach(wrapped) is lost
