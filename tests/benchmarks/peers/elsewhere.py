"""The spaces with a portfolio that was chosen without the data that is searched on."""

from pathlib import Path

from spaces import load_space
from tests.benchmarks.strategies.portfolio import greedy
from tests.benchmarks.strategies.table import read_tasks

_CURVES = Path("studies") / "curves"
_AT_LEAST = 20  # candidates that a table must have to count
_FILE = """from dataclasses import replace

from spaces import load_space

space = replace(load_space({name!r}), name="{name}-elsewhere", portfolio={points!r})
"""


def elsewhere_path(space: str, data_dir: Path) -> Path:
    """Return where the space is written, as a file for `--space`."""
    return data_dir / f"{space}_elsewhere.py"


def write_elsewhere(space: str, family: str, data_dir: Path) -> None:
    """Write the space with a portfolio as long as its own, chosen without data that is searched.

    Args:
        space: "mlp" or "cnn".
        family: Which images of the recorded curves that is, one of `curves.datasets.FAMILIES`.
        data_dir: Where the space is written.
    """
    tables = [one for one in read_tasks(_CURVES, _AT_LEAST) if one.space == space]
    others = [one for one in tables if one.family != family]
    chosen = greedy(others, len(load_space(space).portfolio))
    points = tuple(dict(tables[0].candidates[index]) for index in chosen)
    text = _FILE.format(name=space, points=points)
    elsewhere_path(space, data_dir).write_text(text, encoding="utf-8")
