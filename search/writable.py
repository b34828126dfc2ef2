"""Whether a folder can be written, asked before anything is begun in it."""

import os
from pathlib import Path

from search.errors import MachineError, UserError


def check_writable(folder: Path, setting: str = "runs_dir") -> None:
    """Raise unless the folder, or that in which it would be made, can be written.

    UserError where a file stands in its way, MachineError where it is read-only; each names the
    setting, its folder and what is accepted.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        raise UserError(f"{setting} must be a folder, got the file {str(there)!r}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise MachineError(
            f"{setting}: {str(there)!r} is read-only for you, and nothing was changed; give "
            "another folder, or make this one writable"
        )
