"""Locks: one run per study at a time, from whichever folder and host it is started."""

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

import optuna
from filelock import FileLock, Timeout
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import URL

from search.errors import MachineError, UserError
from search.files import check_writable, write_file
from search.paths import RunPaths
from search.tuning.advisory_lock import AdvisoryLock, advisory_lock_holder
from search.tuning.lock_holder import HeldError, Holder
from search.tuning.storage import (
    lock_folder,
    parse_url,
    show_url,
    sqlite_file,
    storage_url,
)

_KERNELS_LOCKS = Path("/proc/locks")  # of Linux


@contextmanager
def file_lock(lock: Path, holder: Path) -> Iterator[None]:
    """Hold a lock file in the block; the file `holder` says who holds it.

    The folder must exist. Raises HeldError if the lock is taken, OSError if it cannot be made.
    """
    held = FileLock(lock)
    try:
        held.acquire(blocking=False)
    except Timeout as error:
        raise HeldError(str(_read(holder) or "another process")) from error
    try:
        holder.write_text(json.dumps(asdict(Holder())), encoding="utf-8")
        yield
    finally:
        held.release()


def file_lock_holder(lock: Path, holder: Path) -> Holder | None:
    """Return who holds the lock, or None.

    Does not take the lock, so a run that starts meanwhile is not refused. Whether a process on
    another host still lives is unknown; it counts as holding the lock.
    """
    who = _read(holder)
    if who is None or not lock.exists():
        return None
    elsewhere = who.host != Holder().host
    return who if elsewhere or _holds(who.process, lock) else None


def _read(holder: Path) -> Holder | None:
    try:
        return Holder(**json.loads(holder.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # it is being written
        return None


def _holds(process: int, lock: Path) -> bool:
    """Return whether a process of this host holds the lock; if unknown, whether it lives."""
    if _KERNELS_LOCKS.exists():
        held = (line.split() for line in _KERNELS_LOCKS.read_text(encoding="utf-8").splitlines())
        place = str(lock.stat().st_ino)
        return any(_is(entry, process, place) for entry in held)
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is another user's
        return True
    return True


def _is(entry: list[str], process: int, inode: str) -> bool:
    """Return whether it is that lock; entry: number, kind, .., .., process, device:inode."""
    return entry[1] == "FLOCK" and entry[4] == str(process) and entry[5].endswith(f":{inode}")


@final
@dataclass(frozen=True)
class StudyLock:
    """The locks of a study that this process holds; `server` is that of a PostgreSQL server."""

    server: AdvisoryLock | None

    def keep_with(self, storage: BaseStorage) -> None:
        """Take a lock again that a server frees as it loses this process, which then connects anew.

        If another process has taken it meanwhile, using the storage is a UserError.
        """
        if self.server is not None and isinstance(storage, RDBStorage):
            self.server.keep_with(storage)


@contextmanager
def study_lock(paths: RunPaths, storage: str | None = None) -> Iterator[StudyLock]:
    """Hold the study's locks in the block: that of its folder, then that of its database.

    Args:
        paths: The study's files.
        storage: The recipe's database URL; None: the SQLite file in the runs folder.

    Raises:
        UserError: A lock is taken (the message says by whom), or the database cannot be opened.
        MachineError: The runs folder is read-only.
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
                lock = StudyLock(locks.enter_context(_database_lock(paths, storage)))
        except HeldError as error:
            raise UserError(
                f"study {paths.study_name!r} is being run by {error}; wait for it, end it, "
                "or give another `study_name`"
            ) from error
        yield lock


@contextmanager
def _cleared(paths: RunPaths, *, fresh: bool) -> Iterator[None]:
    """Remove a `fresh` folder, which holds only the lock, if the block fails."""
    try:
        yield
    except (HeldError, UserError, MachineError):
        if fresh:
            paths.lock_holder.unlink(missing_ok=True)
            paths.lock.unlink(missing_ok=True)  # whoever waits for it is refused
            with suppress(OSError):  # another run has made something there
                paths.study_dir.rmdir()
        raise


def _check_file(url: URL) -> None:
    """Raise UserError if the URL names a SQLite file that cannot be created or written."""
    file = sqlite_file(url)
    if file is None:
        return
    if not file.parent.is_dir():
        raise UserError(
            f"storage: the folder of {show_url(url)!r} does not exist; create "
            f"{str(file.parent)!r}, or name a file in an existing folder"
        )
    if url.query.get("mode") == "ro" or "immutable" in url.query:
        raise UserError(
            f"storage: {show_url(url)!r} is read-only, but a study must be written; leave out "
            "mode and immutable"
        )
    check_writable(file.parent, "storage")


@contextmanager
def _database_lock(paths: RunPaths, storage: str | None) -> Iterator[AdvisoryLock | None]:
    url = parse_url(storage_url(storage, paths.database))
    file = sqlite_file(url)
    if file is None:
        with AdvisoryLock(url, paths.study_name) as lock:
            lock.take()
            yield lock
    else:
        file_of_lock, holder = _database_lock_files(file, paths.study_name)
        file_of_lock.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(file_of_lock, holder):
            yield None


def check_still_held(paths: RunPaths) -> None:
    """Check that no other process has taken the study's folder, as it can on a disk that was away.

    Raises:
        UserError: Another process runs the study.
        OSError: The folder is out of reach.
    """
    holder, me = Holder(**json.loads(paths.lock_holder.read_text(encoding="utf-8"))), Holder()
    if (holder.process, holder.host) != (me.process, me.host):
        raise UserError(
            f"study {paths.study_name!r} is being run by {holder}; wait for it or end it"
        )


def study_holder(paths: RunPaths, storage: str | None = None) -> str | None:
    """Describe the process that runs the study; None if there is none.

    Takes no lock, so a run that starts meanwhile is not refused. Raises UserError if the database
    cannot be opened.
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
    """Return a study's lock file next to its SQLite file, and the file that says who holds it."""
    folder = lock_folder(database)
    return folder / f"{study_name}.lock", folder / f"{study_name}.json"


_ATTRIBUTE = "folder_mark"


def owns(study: optuna.Study, paths: RunPaths) -> bool:
    """Return whether the folder belongs to the study."""
    mark, theirs = study.user_attrs.get(_ATTRIBUTE), _mark_of(paths)
    return mark is None or theirs is None or mark == theirs


def check_owned(study: optuna.Study, paths: RunPaths) -> None:
    """Raise UserError if the folder belongs to another study of the same name."""
    if not owns(study, paths):
        raise _taken(paths)


def check_free(paths: RunPaths) -> None:
    """Raise UserError if a new study would overwrite another one's folder."""
    if _mark_of(paths) is not None or paths.model_dir.exists():
        raise _taken(paths)


def mark(study: optuna.Study, paths: RunPaths) -> None:
    """Give the study and its folder the same mark, unless they have one."""
    value = study.user_attrs.get(_ATTRIBUTE) or _mark_of(paths) or _new_mark()
    if _ATTRIBUTE not in study.user_attrs:
        study.set_user_attr(_ATTRIBUTE, value)
    if _mark_of(paths) is None:
        write_file(paths.mark, value, durable=True)


def unmark(study: optuna.Study, paths: RunPaths) -> None:
    """Release the folder for another study, if it is this one's."""
    if owns(study, paths):
        paths.mark.unlink(missing_ok=True)


def _new_mark() -> str:
    """Return a unique mark: a hash of host, process and time."""
    made = f"{socket.gethostname()} {os.getpid()} {time.time_ns()}"
    return hashlib.sha256(made.encode()).hexdigest()


def _mark_of(paths: RunPaths) -> str | None:
    try:
        return paths.mark.read_text("ascii")
    except FileNotFoundError:
        return None


def _taken(paths: RunPaths) -> UserError:
    return UserError(
        f"study_name: {str(paths.study_dir)!r} is the folder of another study of that name, in "
        "another storage or a deleted one; give another `study_name` or `runs_dir`, or remove "
        "the folder"
    )
