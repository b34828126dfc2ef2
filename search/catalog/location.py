"""Where stored studies are, and the errors if they are not there; quick to import."""

from collections.abc import Sequence
from pathlib import Path

from search.errors import UserError
from search.paths import RunPaths
from search.text import printable
from search.tuning.storage import parse_url, sqlite_file, storage_url


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


def unknown_study(name: str, known: Sequence[str], runs_dir: Path) -> UserError:
    """Return the error for a study that does not exist, naming those that do."""
    texts = sorted(map(str, known))  # in a damaged database a name may be gone
    names = ", ".join(map(printable, texts)) or "none"
    folder = RunPaths(runs_dir, name).study_dir
    left = f"; the folder {str(folder)!r} belongs to a deleted study or one in another storage"
    return UserError(
        f"study {name!r} does not exist; known studies: {names}{left if folder.is_dir() else ''}"
    )
