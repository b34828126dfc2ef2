"""Recipes whose files lie beside them."""

from pathlib import Path

import pytest
import tomli_w

from search.errors import UserError
from search.recipe import Recipe


def recipe_of(folder: Path, **settings: object) -> Path:
    path = folder / "again.toml"
    path.write_text(tomli_w.dumps({"space": "mlp"} | settings), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["space", "sampler", "metric", "objective"])
def test_files_may_lie_beside_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The working directory comes first; what is stored is found from there, however it is run."""
    folder = tmp_path / "exp"
    folder.mkdir()
    end = ",parameters" if name == "objective" else ""
    path = recipe_of(folder, **{name: f"mine.py:THING{end}"})
    monkeypatch.chdir(tmp_path)

    def read(given: Path) -> object:
        return getattr(Recipe.from_sources(given, {}), name)

    assert read(path) == f"mine.py:THING{end}"  # which is told where it is needed
    (folder / "mine.py").touch()
    for one in (path, Path("exp/again.toml"), Path("../") / tmp_path.name / "exp/again.toml"):
        assert read(one) == f"exp/mine.py:THING{end}"
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert read(path) == f"{folder / 'mine.py'}:THING{end}"
    Path("mine.py").touch()
    assert read(path) == f"mine.py:THING{end}"
    Path("mine.py").write_text("THING = 1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"'mine.py' is in the working directory and, with other"):
        read(path)


def test_flags_name_files_from_the_working_directory(tmp_path: Path) -> None:
    """Only what a recipe's file says is looked up beside it, and only files of Python are."""
    (tmp_path / "mine.py").touch()
    (tmp_path / "photos").mkdir()
    path = recipe_of(tmp_path, dataset="photos")
    recipe = Recipe.from_sources(path, {"metric": "mine.py:THING"})
    assert (recipe.dataset, recipe.metric) == ("photos", "mine.py:THING")


def test_a_name_that_no_file_can_have_stays(tmp_path: Path) -> None:
    """The error comes from where the file is read."""
    for file in ("x" * 5000, "~no-such-user/a"):
        text = f"{file}.py:SPACE"
        assert Recipe.from_sources(recipe_of(tmp_path, space=text), {}).space == text
