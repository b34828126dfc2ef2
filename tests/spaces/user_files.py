"""Spaces in files, as users write them."""

from pathlib import Path

HEAD = """\
import optuna
from spaces import Candidate, MLPConfig, SGDConfig, Space

def make(width=4, rate=0.1):
    model = MLPConfig(hidden_widths=(width,), dropouts=(0.0,))
    return Candidate(model=model, optimizer=SGDConfig(learning_rate=rate), batch_size=16)

"""


def write_space(folder: Path, suggest: str, head: str = "", space: str = "") -> str:
    """Write a file whose `suggest` has these lines, and return the setting that names its space."""
    body = "".join(f"    {line}\n" for line in suggest.splitlines())
    path = folder / "mine.py"
    further = f", {space}" if space else ""
    path.write_text(
        f"{head}\n{HEAD}def suggest(trial):\n{body}\nSPACE = Space('mine', suggest{further})\n",
        encoding="utf-8",
    )
    return f"{path}:SPACE"
