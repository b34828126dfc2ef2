"""Database URLs: which are accepted, and how they are shown without their passwords."""

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import sqlalchemy
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SAWarning, SQLAlchemyError

from search.errors import MachineError, UserError
from search.recipe_checks import check_text

_EXAMPLES = "sqlite:///runs/studies.db or postgresql://user@host/name"
_DRIVERS = {"postgresql": "postgresql+psycopg"}  # SQLAlchemy would take psycopg2
_ACCEPTED = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
_FAILURES = (
    SQLAlchemyError, SAWarning, ImportError, OSError, RuntimeError, TypeError, ValueError
)  # fmt: skip
_NO_DRIVER = "psycopg, its driver, is not installed: pip install 'cifar-search[postgresql]'"
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_UNUSABLE = ("readonly database", "unable to open database")  # as SQLite says it
_MISTAKES = (FileExistsError, NotADirectoryError)  # a file where the database's folder would be


def parse_url(text: str) -> sqlalchemy.URL:
    """Return the URL of a SQLite file or a PostgreSQL database; raises UserError for any other.

    No message repeats what was given until it is certain which part of it is a password.
    """
    try:
        url = make_url(check_text(text))
    except (ArgumentError, ValueError) as error:
        raise UserError(f"storage: the value is not a database URL such as {_EXAMPLES}") from error
    if url.get_backend_name() != "sqlite" and text.count("@") > (url.username is not None):
        raise UserError("storage: write @ as %40, except the one between password and host")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UserError(
            f"storage: {show_url(url)!r} cannot be opened: it is neither SQLite nor PostgreSQL, "
            f"give {_EXAMPLES}"
        )
    if url.drivername not in _ACCEPTED:
        raise UserError(
            f"storage: {show_url(url)!r} cannot be opened by that driver, give {_EXAMPLES}"
        )
    if url.get_backend_name() == "sqlite" and sqlite_file(url) is None:
        raise UserError(f"storage: {show_url(url)!r} is in memory and would be lost, name a file")
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def show_url(url: sqlalchemy.URL) -> str:
    """Return the URL for people: its password starred, its query, which can hold one, left out."""
    return url.set(query={}).render_as_string(hide_password=True)


def sqlite_file(url: sqlalchemy.URL) -> Path | None:
    """Return the file of a SQLite database; None in memory, and for every other database."""
    database = url.database or ""
    if url.get_backend_name() != "sqlite" or database in ("", ":memory:"):
        return None
    if not database.startswith("file:"):
        return Path(database)
    path = unquote(urlsplit(database).path)
    return Path(path) if path and url.query.get("mode") != "memory" else None


@contextmanager
def opening(url: sqlalchemy.URL) -> Iterator[None]:
    """Turn what goes wrong in the block, where a database is opened, into one line.

    Raises MachineError where SQLite cannot use its file: no space, no permission, a damaged disk;
    otherwise UserError, as where a server refuses the user or does not answer.
    """
    sqlite = url.get_backend_name() == "sqlite"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SAWarning)  # options that would be ignored
            yield
    except _FAILURES as error:
        missing = isinstance(error, ImportError) and not sqlite
        reason = _NO_DRIVER if missing else first_line(error)
        failure = f"{show_url(url)!r} cannot be opened: {reason}"
        machine = isinstance(error, OperationalError | OSError) and not isinstance(error, _MISTAKES)
        if sqlite and machine:
            raise MachineError(f"storage: {failure}; {_way_on(error)}") from error
        raise UserError(f"storage: {failure}") from error


def read_only(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """Return the URL by which SQLite opens a file without writing to it.

    Beside a write-ahead log SQLite writes for readers too, unless it is told that nothing changes
    the file: as in a folder that only others may write to, with no log of a search there.
    """
    name, file = url.database or "", sqlite_file(url)
    if not name.startswith("file:"):
        name = f"file:{quote(str(Path(name).resolve()))}"
    query = {"mode": "ro", "uri": "true"}
    if file is not None and not os.access(file.parent, os.W_OK):
        query |= {} if Path(f"{file}-wal").exists() else {"immutable": "1"}
    return url.set(database=name).update_query_dict(query)


def optuna_url(url: sqlalchemy.URL) -> str:
    """Return the URL with its password, and with braces doubled, as Optuna formats URLs."""
    return url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")


def _way_on(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in _READ_ONLY:
        return "its folder must be one that you can read and write"
    if any(words in str(error) for words in _UNUSABLE):
        return "its folder must be one that you can read and write"
    return "what is stored is kept, run the same command again to go on"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message: SQLAlchemy's have several."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
