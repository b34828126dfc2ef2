"""Optuna's storage: database URLs, SQLite in WAL mode, and database failures in one line."""

import errno
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from traceback import walk_tb
from urllib.parse import quote, unquote, urlsplit

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SAWarning, SQLAlchemyError

from search.checks import check_text
from search.errors import MachineError, UserError, describe_error, first_line
from search.paths import RunPaths
from search.tuning.connections import (
    PATIENCE_SECONDS,
    PostgreSQLStorage,
    SQLiteStorage,
    is_lost_server,
)

_EXAMPLES = "sqlite:///runs/studies.db or postgresql://user@host/name"
_DRIVERS = {  # SQLAlchemy would take psycopg2
    "postgres": "postgresql+psycopg",  # as many servers' services write it
    "postgresql": "postgresql+psycopg",
}
_ACCEPTED = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
_FAILURES = (
    SQLAlchemyError, SAWarning, ImportError, OSError, RuntimeError, TypeError, ValueError
)  # fmt: skip
_NO_DRIVER = "psycopg, its driver, is not installed: pip install 'cifar-search[postgresql]'"
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_UNUSABLE = ("readonly database", "unable to open database")  # as SQLite says it
_PERMISSIONS = "you must be able to read and write its folder"
_MISTAKES = (FileExistsError, NotADirectoryError)  # a file in the place of a folder


def parse_url(text: str) -> sqlalchemy.URL:
    """Return the URL of a SQLite file or a PostgreSQL database; raises UserError for any other.

    Messages only repeat the text once it is certain which part of it is a password.
    """
    try:
        url = make_url(check_text(text))
    except (ArgumentError, ValueError) as error:
        raise UserError(f"storage: the value is not a database URL such as {_EXAMPLES}") from error
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    if url.get_backend_name() != "sqlite" and text.count("@") > (url.username is not None):
        raise UserError("storage: write @ as %40, except the one between password and host")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UserError(
            f"storage: {show_url(url)!r} cannot be opened: it is neither SQLite nor PostgreSQL; "
            f"give {_EXAMPLES}"
        )
    if url.drivername not in _ACCEPTED:
        raise UserError(
            f"storage: {show_url(url)!r} cannot be opened by that driver; give {_EXAMPLES}"
        )
    if url.get_backend_name() == "sqlite" and sqlite_file(url) is None:
        raise UserError(f"storage: {show_url(url)!r} is in memory and would be lost; name a file")
    return url


def show_url(url: sqlalchemy.URL) -> str:
    """Return the URL without its password, and without its query, which can hold one."""
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
    """Turn failures of the block, which opens a database, into one line.

    Raises:
        MachineError: SQLite cannot use its file: no space, no permission, a damaged disk.
        UserError: Anything else, such as a server that refuses the user or does not answer.
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
            raise MachineError(f"storage: {failure}; {_hint(error)}") from error
        raise UserError(f"storage: {failure}") from error


def read_only(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """Return the URL with which SQLite opens a file without writing to it.

    With a write-ahead log, SQLite writes even for readers, unless the file is declared immutable.
    That is safe in a folder that this user cannot write to, if there is no such log.
    """
    name, file = url.database or "", sqlite_file(url)
    if not name.startswith("file:"):
        name = _address(Path(name))
    query = {"mode": "ro", "uri": "true"}
    if file is not None and not os.access(file.parent, os.W_OK):
        query |= {} if Path(f"{file}-wal").exists() else {"immutable": "1"}
    return url.set(database=name).update_query_dict(query)


def _address(file: Path) -> str:
    """Return what SQLite calls a file in a URI."""
    return f"file:{quote(str(file.resolve()))}"


def optuna_url(url: sqlalchemy.URL) -> str:
    """Return the URL with its password, and with doubled braces, as Optuna formats URLs."""
    return url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")


def _hint(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in _READ_ONLY:
        return _PERMISSIONS
    if any(words in str(error) for words in _UNUSABLE):
        return _PERMISSIONS
    return "stored trials are kept; run it again to resume"


def storage_url(url: str | None, database: Path) -> str:
    """Return the storage's URL, password included: `url` with its driver, or the SQLite file's.

    Raises UserError if `url` is malformed.
    """
    if url is not None:
        return parse_url(url).render_as_string(hide_password=False)
    return sqlalchemy.URL.create("sqlite", database=str(database.resolve())).render_as_string()


def stored_url(runs_dir: Path, storage: str | None) -> str:
    """Return the URL of existing studies; raises UserError if there is no database yet.

    Reading must not create an empty SQLite file.
    """
    database = RunPaths(runs_dir, "any").database
    if storage is None and not database.is_file():
        raise UserError(f"runs_dir: {str(runs_dir)!r} holds no studies yet (no {database})")
    url = storage_url(storage, database)
    file = sqlite_file(parse_url(url))
    if file is not None and not file.is_file():
        raise UserError(f"storage: {storage!r} holds no studies yet (no {file})")
    return url


def open_existing(url: str | None, database: Path) -> RDBStorage | None:
    """Open a storage, or return None if its SQLite file does not exist: reading creates none.

    Raises as `open_storage` does.
    """
    text = storage_url(url, database)
    file = sqlite_file(parse_url(text))
    return None if file is not None and not file.exists() else open_storage(text)


def open_storage(text: str) -> RDBStorage:
    """Open the storage of a URL; creates the SQLite file and its folder if needed.

    A SQLite file that cannot be written is opened read-only.

    Raises:
        UserError: The URL is malformed, or the database does not answer.
        MachineError: There is no space or no permission for a SQLite file.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = parse_url(text)
    file = sqlite_file(url)
    with opening(url):
        if file is None:
            return PostgreSQLStorage(optuna_url(url))
        if file.exists() and not all(os.access(one, os.W_OK) for one in (file, file.parent)):
            return RDBStorage(optuna_url(read_only(url)))
        file.parent.mkdir(parents=True, exist_ok=True)
        return _make_ready(file, url) if _is_unready(file) else SQLiteStorage(optuna_url(url))


def _is_unready(file: Path) -> bool:
    """Return whether a SQLite file is new, or not in WAL mode, which follows once it has tables.

    SQLite is asked. Were the file opened and closed here, the system would drop all locks on it
    that this process holds by other connections. The next program to leave the database would then
    delete the log that this one writes to, and all that is written from then on would be lost
    ("How to corrupt an SQLite database file", sqlite.org, section 2.2).
    """
    if not file.exists():
        return True
    address = f"{_address(file)}?mode=rw"
    try:
        with closing(sqlite3.connect(address, timeout=PATIENCE_SECONDS, uri=True)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    except sqlite3.DatabaseError:
        return False  # it is damaged or no database: whoever opens it says so
    return bool(mode != "wal")


def _make_ready(file: Path, url: sqlalchemy.URL) -> SQLiteStorage:
    """Create the tables and change to WAL mode, one process at a time: both are races otherwise."""
    lock = lock_folder(file) / ".tables.lock"  # no study's name begins so
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        storage = SQLiteStorage(optuna_url(url))
        with storage.engine.connect():
            return storage


def lock_folder(database: Path) -> Path:
    """Return the folder, next to a SQLite file, with the locks of its studies."""
    real = database.resolve()  # one file under several names is one database
    return real.with_name(f"{real.name}.locks")


@contextmanager
def storage_failures(study_name: str) -> Iterator[None]:
    """Turn a database failure in the block into a MachineError that says how to resume."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        reason = first_line(error.__cause__ or error)
        raise MachineError(
            f"the database of study {study_name!r} failed: {reason}; finished trials are kept; "
            "run it again to resume"
        ) from error


def reconnect(storage: BaseStorage) -> None:
    """Have the storage open new connections: those it has may be to a disk that was away."""
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


# As SQLite says it if its file is away with its disk, or was replaced.
_OUT_OF_REACH = ("disk I/O error", "unable to open database file", "readonly database")


def is_out_of_reach(error: Exception) -> bool:
    """Return whether an error of the storage is that its disk is away, or its server."""
    cause = error.__cause__ or error
    return any(words in str(cause) for words in _OUT_OF_REACH) or is_lost_server(error)


_STORAGE = ("sqlalchemy.", "optuna.storages.")
# What turns down a value of the caller's, called from Optuna's storage: module and function.
_CHECKS = (
    ("json.encoder", None),
    ("optuna.distributions", "check_distribution_compatibility"),
)
_UNSTORABLE = (UnicodeEncodeError, OverflowError)  # raised by the driver for a value it was given


def database_failure(error: Exception) -> str | None:
    """Describe a failure of Optuna's storage; returns None for any other error.

    SQLite has no checksums: damaged bytes cause all kinds of errors, such as LookupErrors of enums
    and ValueErrors of JSON. So errors are recognised by where they were raised. A value that the
    storage was given and cannot hold says nothing about the database (see `unstorable_value`).
    """
    if not _raised_in_storage(error) or _is_unstorable(error):
        return None
    cause = error.__cause__ or error
    return (
        f"the database of the studies failed or is damaged: {type(cause).__name__}, "
        f"{first_line(cause)}; replace a damaged one with a backup; model folders do not need "
        "it"
    )


def unstorable_value(error: Exception) -> str | None:
    """Describe a value that a database cannot hold; returns None for any other error."""
    if not _raised_in_storage(error) or not _is_unstorable(error):
        return None
    return (
        f"a value cannot be stored with the study: {describe_error(error)}; accepted in a space "
        "and a sampler: Python's own str, int, float, bool and None; in names: valid Unicode"
    )


def storage_error(error: Exception) -> UserError | MachineError | None:
    """Return an error of Optuna's storage as one to be shown; None for any other error."""
    mistake, failure = unstorable_value(error), database_failure(error)
    if mistake is not None:
        return UserError(mistake)
    return None if failure is None else MachineError(failure)


def _raised_in_storage(error: Exception) -> bool:
    return any(module.startswith(_STORAGE) for module, _ in _raised_in(error))


def _is_unstorable(error: Exception) -> bool:
    checked = any(
        module == place and name in (None, function)
        for place, name in _CHECKS
        for module, function in _raised_in(error)
    )
    return checked or isinstance(error, _UNSTORABLE)


def _raised_in(error: Exception) -> list[tuple[str, str]]:
    """Return the module and the function of each frame that the error passed."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    return [(one.f_globals.get("__name__", ""), one.f_code.co_name) for one in frames]
