"""The network of docs/how-to/own-network.md does what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest

from search.evaluation.exporting import export_script
from search.evaluation.model import load_model
from search.pipeline import run_study
from spaces import load_space

_PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "own-network.md"
_BLOCKS = re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)


def write(folder: Path) -> str:
    path = folder / "resnet.py"
    path.write_text(_BLOCKS[0], encoding="utf-8")
    return f"{path}:SPACE"


def test_the_space_has_ten_lines() -> None:
    """Or fewer, the network apart."""
    space = _BLOCKS[0][_BLOCKS[0].index("def suggest") :]
    assert len([line for line in space.splitlines() if line.strip()]) <= 10


@pytest.mark.slow
def test_the_pages_network_is_searched_and_exported(
    make_recipe: Any, listener: Any, tmp_path: Path
) -> None:
    """In worker processes, twice with the same result; the model loads from its folder."""
    space = write(tmp_path)
    assert load_space(space).name == "my-resnet"
    records = []
    for runs, workers in (("first", 1), ("second", 2)):
        settings = {"runs_dir": tmp_path / runs, "trials": 2, "epochs": 1, "workers": workers}
        records.append(run_study(make_recipe(space=space, **settings), listener))
    first, second = (one.record for one in records)
    winner = first.winner()
    assert winner is not None
    assert first.test == second.test
    assert [trial.value for trial in first.trials] == [trial.value for trial in second.trials]
    model = load_model(records[0].paths.model_dir, trust_code=True)
    assert type(model.network).__name__ == "Sequential"
    compile(export_script(first, winner), "script.py", "exec")
