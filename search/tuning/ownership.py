"""Which study a folder belongs to: two storages may hold studies of the same name.

The study and its folder bear the same mark. Where one of both has none, as in studies from
before there were marks, the folder is taken for the study's.
"""

import hashlib
import os
import socket
import time

import optuna

from search.durable import whole_file
from search.errors import UserError
from search.paths import RunPaths

_ATTRIBUTE = "folder_mark"


def owns(study: optuna.Study, paths: RunPaths) -> bool:
    """Return whether the folder is the study's."""
    mark, theirs = study.user_attrs.get(_ATTRIBUTE), _mark_of(paths)
    return mark is None or theirs is None or mark == theirs


def check_owned(study: optuna.Study, paths: RunPaths) -> None:
    """Raise UserError where the folder is that of another study of the same name."""
    if not owns(study, paths):
        raise _taken(paths)


def check_free(paths: RunPaths) -> None:
    """Raise UserError where a study that is to be made would write over another's folder."""
    if _mark_of(paths) is not None or paths.model_dir.exists():
        raise _taken(paths)


def mark(study: optuna.Study, paths: RunPaths) -> None:
    """Give study and folder the same mark, if they do not bear one yet."""
    value = study.user_attrs.get(_ATTRIBUTE) or _mark_of(paths) or _new_mark()
    if _ATTRIBUTE not in study.user_attrs:
        study.set_user_attr(_ATTRIBUTE, value)
    if _mark_of(paths) is None:
        with whole_file(paths.mark) as file:
            file.write(value.encode("ascii"))


def unmark(study: optuna.Study, paths: RunPaths) -> None:
    """Leave the folder to whoever comes next, where it is the study's."""
    if owns(study, paths):
        paths.mark.unlink(missing_ok=True)


def _new_mark() -> str:
    """Return what no other study has: where, by which process and when it was made, hashed."""
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
        "another storage or one that is gone; give another --study-name or --runs-dir, or remove "
        "the folder"
    )
