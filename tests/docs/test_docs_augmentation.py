"""The spaces of docs/how-to/augmentation.md do what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest

from search.evaluation.exporting import export_script
from search.pipeline import run_study
from search.recipe import Recipe
from spaces import load_space
from spaces.augmentation import AUGMENTATIONS

_PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "augmentation.md"
_BLOCKS = re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
_SPACES = ("cutout", "posterized", "losses")


def write(number: int, folder: Path) -> Path:
    path = folder / "page.py"
    path.write_text(_BLOCKS[number], encoding="utf-8")
    return path


def test_the_cutout_space_has_ten_lines() -> None:
    """Or fewer, blank ones apart."""
    assert len([line for line in _BLOCKS[0].splitlines() if line.strip()]) <= 10


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(_SPACES)), ids=_SPACES)
def test_the_pages_spaces_are_searched(
    number: int, make_recipe: Any, listener: Any, tmp_path: Path
) -> None:
    """Search, refit, test, report and export, in worker processes; and once more, the same."""
    space = f"{write(number, tmp_path)}:SPACE"
    assert load_space(space).name == _SPACES[number]
    records = []
    for runs, workers in (("first", 1), ("second", 2)):
        recipe: Recipe = make_recipe(
            space=space, runs_dir=tmp_path / runs, trials=2, epochs=2, workers=workers
        )
        records.append(run_study(recipe, listener).record)
    first, second = records
    winner = first.winner()
    assert winner is not None
    assert first.test == second.test
    assert [trial.value for trial in first.trials] == [trial.value for trial in second.trials]
    compile(export_script(first, winner), "script.py", "exec")


def test_the_table_names_every_augmentation_with_its_defaults() -> None:
    """So that the page cannot lag behind the code."""

    table = _PAGE.read_text("utf-8")
    for kind in AUGMENTATIONS:
        (row,) = re.findall(rf"^\|.*`{kind.__name__}[(.].*$", table, re.MULTILINE)
        fields = {name: one.default for name, one in kind.model_fields.items() if name != "name"}
        if kind.key() == "custom":
            continue
        for name, default in fields.items():
            assert f"`{name}`" in row, (kind, name)
            if kind.key() != "color_jitter":
                assert f"({default:g})" in row, (kind, name)
