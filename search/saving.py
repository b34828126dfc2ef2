"""Files that take their name when they are whole."""

import io
from pathlib import Path

from matplotlib.figure import Figure

_DPI = 300


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PDF or PNG, as the suffix says; the same figure gives the same bytes.

    Raises OSError where it cannot be written.
    """
    suffix = path.suffix.removeprefix(".")
    metadata = {"CreationDate": None} if suffix == "pdf" else {}
    drawn = io.BytesIO()  # matplotlib's own files end in another error on a full disk
    figure.savefig(drawn, format=suffix, dpi=_DPI, metadata=metadata)
    save_bytes(drawn.getvalue(), path)


def save_bytes(content: bytes, path: Path) -> None:
    """Write a file; raises OSError where it cannot be written."""
    temporary = _temporary(path)
    temporary.write_bytes(content)
    temporary.replace(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")
