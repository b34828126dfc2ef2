"""The space of docs/how-to/pretrained.md, with random weights in the file that it names."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision import models

from search.evaluation.exporting import export_script
from search.evaluation.model import load_model
from search.pipeline import run_study
from search.recipe import Recipe
from spaces import pretrained_space
from spaces.load import describe_space

_PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "pretrained.md"
_BLOCKS = re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the page's space, in a folder with its weights."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    torch.save(models.shufflenet_v2_x0_5().state_dict(), "shufflenet.pth")
    Path("pretrained.py").write_text(_BLOCKS[0], encoding="utf-8")
    return "pretrained.py:SPACE"


def test_the_table_names_every_argument() -> None:
    """So that the page cannot lag behind the code."""
    rows = re.findall(r"^\| (`.*?) \|", _PAGE.read_text("utf-8"), re.MULTILINE)
    arguments = set(inspect.signature(pretrained_space).parameters) - {"backbone", "name"}
    assert arguments == set(re.findall(r"`(\w+)`", " ".join(rows)))


@pytest.mark.slow
def test_the_pages_space_is_searched(space: str, make_recipe: Any, listener: Any) -> None:
    """The same with one worker and with two; model and script work without the file."""
    records = []
    for workers in (1, 2):
        recipe: Recipe = make_recipe(
            space=space, runs_dir=Path(f"runs-{workers}"), trials=2, epochs=2, workers=workers
        )
        records.append(run_study(recipe, listener).record)
    first, second = records
    winner = first.winner()
    assert winner is not None
    assert first.test == second.test
    assert [trial.value for trial in first.trials] == [trial.value for trial in second.trials]
    compile(export_script(first, winner), "script.py", "exec")
    Path("shufflenet.pth").unlink()
    model = load_model(Path("runs-1/study/model"))
    assert model.card.mean == pytest.approx((123.675, 116.28, 103.53))
    assert str(Path.cwd()) not in Path("runs-1/study/model/model.json").read_text("utf-8")


@pytest.mark.slow
def test_weights_may_move_but_not_change(space: str) -> None:
    """They are known by what is in the file, which is part of what a stored study compares."""

    def described(path: str) -> str:
        return describe_space(pretrained_space("shufflenet_v2_x0_5", weights=path))

    before = described("shufflenet.pth")
    Path("elsewhere.pth").write_bytes(Path("shufflenet.pth").read_bytes())
    assert described("elsewhere.pth") == before
    torch.manual_seed(1)
    torch.save(models.shufflenet_v2_x0_5().state_dict(), "shufflenet.pth")
    assert described("shufflenet.pth") != before
