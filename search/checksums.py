"""SHA-256 sums beside files: a flipped bit shows in nothing else.

They are kept as `sha256sum` does: `sha256sum -c SHA256SUMS` checks a folder by hand, and
`sha256sum FILES > SHA256SUMS` takes over files that were changed on purpose.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

_MOST_BYTES = 1 << 16


def sums_path(folder: Path) -> Path:
    """Return where the sums of a folder's files are kept."""
    return folder / "SHA256SUMS"


def write_sums(paths: Sequence[Path]) -> None:
    """Write the sums of files of one folder, whole or not at all; raises OSError."""
    target = sums_path(paths[0].parent)
    temporary = target.with_suffix(".tmp")
    lines = [f"{_sha256(path)}  {path.name}\n" for path in paths]
    temporary.write_text("".join(lines), encoding="utf-8")
    temporary.replace(target)


def check_sums(paths: Sequence[Path]) -> None:
    """Raise ValueError where a file of one folder is missing or is not as it was written.

    So it is, too, where its sum is not known. Raises OSError where a file cannot be read.
    """
    known = _read_sums(sums_path(paths[0].parent))
    for path in paths:
        if not path.is_file():
            raise ValueError(f"{path.name} is missing")
        if known.get(path.name) != _sha256(path):
            raise ValueError(f"{path.name} is not as it was written: its SHA-256 is another")


def _read_sums(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise ValueError(f"{path.name} is missing")
    with path.open("rb") as file:
        lines = file.read(_MOST_BYTES).decode(errors="replace").splitlines()
    pairs = [line.partition("  ") for line in lines]
    return {name: sha256 for sha256, _, name in pairs}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
