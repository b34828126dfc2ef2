"""One coordinator a study, whichever runs folder and host it is started from."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL

from search.errors import MachineError, UserError
from search.paths import RunPaths
from search.tuning.advisory_lock import advisory_lock, advisory_lock_holder
from search.tuning.backend import storage_url
from search.tuning.database_url import parse_url, show_url, sqlite_file
from search.tuning.file_lock import file_lock, file_lock_holder
from search.tuning.holder import HeldError
from search.writable import check_writable


@contextmanager
def study_lock(paths: RunPaths, storage: str | None = None) -> Iterator[None]:
    """Hold the study's locks for the block: that of its folder, then that of its database.

    `storage` is the URL as the recipe has it, None for the SQLite file in the runs folder. Raises
    UserError, saying who holds it, where one is taken, and where the database cannot be opened,
    MachineError where the runs folder is read-only; of a refused SQLite file nothing is made.
    """
    if paths.study_dir.exists() and not paths.study_dir.is_dir():
        raise UserError(
            f"study_name: {paths.study_dir} is a file, and the study needs a folder there"
        )
    check_writable(paths.study_dir)
    if storage is not None:
        _check_file(parse_url(storage))
    fresh = not paths.study_dir.exists()
    paths.study_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as locks:
        try:
            locks.enter_context(file_lock(paths.lock, paths.lock_holder))
            with _cleared(paths, fresh=fresh):
                locks.enter_context(_database_lock(paths, storage))
        except HeldError as error:
            raise UserError(
                f"study {paths.study_name!r} is being run by {error}; wait for it, end it, "
                "or give another --study-name"
            ) from error
        yield


@contextmanager
def _cleared(paths: RunPaths, *, fresh: bool) -> Iterator[None]:
    """Remove a `fresh` folder, which holds the lock alone, where the block fails."""
    try:
        yield
    except (HeldError, UserError, MachineError):
        if fresh:
            paths.lock_holder.unlink(missing_ok=True)
            paths.lock.unlink(missing_ok=True)  # whoever waits for it is refused, not let in
            with suppress(OSError):  # another start has made something there meanwhile
                paths.study_dir.rmdir()
        raise


def _check_file(url: URL) -> None:
    """Raise UserError where the URL is of a SQLite file that cannot be made, or not be written."""
    file = sqlite_file(url)
    if file is None:
        return
    if not file.parent.is_dir():
        raise UserError(
            f"storage: {show_url(url)!r} lies in a folder that does not exist; make "
            f"{str(file.parent)!r}, or name a file in one that does"
        )
    if url.query.get("mode") == "ro" or "immutable" in url.query:
        raise UserError(
            f"storage: {show_url(url)!r} is opened to be read alone, and a study is written; leave "
            "out mode and immutable"
        )
    check_writable(file.parent, "storage")


def _database_lock(paths: RunPaths, storage: str | None) -> AbstractContextManager[None]:
    url = parse_url(storage_url(storage, paths.database))
    file = sqlite_file(url)
    if file is None:
        return advisory_lock(url, paths.study_name)
    lock, holder = _database_lock_files(file, paths.study_name)
    lock.parent.mkdir(parents=True, exist_ok=True)
    return file_lock(lock, holder)


def study_holder(paths: RunPaths, storage: str | None = None) -> str | None:
    """Return which process runs the study, in words, None where none does.

    The locks are only asked for, never taken: a run that starts meanwhile is not refused. Raises
    UserError where the database cannot be opened.
    """
    url = parse_url(storage_url(storage, paths.database))
    file, name = sqlite_file(url), paths.study_name
    holder = file_lock_holder(paths.lock, paths.lock_holder)
    if holder is None and file is None:
        return advisory_lock_holder(url, name)
    if holder is None and file is not None:
        holder = file_lock_holder(*_database_lock_files(file, name))
    return None if holder is None else str(holder)


def _database_lock_files(database: Path, study_name: str) -> tuple[Path, Path]:
    """Return the lock of a study beside its SQLite file, and the file that says who holds it."""
    folder = lock_folder(database)
    return folder / f"{study_name}.lock", folder / f"{study_name}.json"


def lock_folder(database: Path) -> Path:
    """Return the folder, beside a SQLite file, of the locks of its studies."""
    real = database.resolve()  # one file under several names is one database
    return real.with_name(f"{real.name}.locks")
