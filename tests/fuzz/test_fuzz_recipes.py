"""Recipes: whatever a file says, it is a recipe or one line."""

import tomllib
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from search.recipe import Recipe
from tests.fuzz.fuzzing import Edit, damaged, edits, fuzz, refusal

WHOLE = Recipe(space="cnn", trials=3, timeout=90.5, storage="sqlite:///x.db").toml().encode()
NAMES = list(Recipe.model_fields)

scalars = (
    st.integers()
    | st.integers(-5, 5)
    | st.sampled_from([2**31, 2**63, 10**4000])
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["auto", "cnn", "grid", "kfold", "90s", "cuda:1", "bf16", "a\0", "\udc80"])
    | st.booleans()
    | st.dates()
    | st.times()
    | st.datetimes()
)
values = st.recursive(
    scalars,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes") / "recipe.toml"


def recipe_of(file: Path, content: bytes) -> Recipe:
    file.write_bytes(content)
    return Recipe.from_sources(file, {})


@pytest.mark.slow
@fuzz(300, settings=st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
def test_any_values_make_a_recipe_or_name_the_setting(settings: dict[str, Any], file: Path) -> None:
    """What is accepted can be written and read again; what is refused is named."""
    settings = {"space": "cnn"} | settings
    words = refusal(lambda: Recipe.from_sources(None, settings))
    if words is not None:
        assert any(name in words for name in settings)
        return
    recipe = Recipe.from_sources(None, settings)
    again = recipe_of(file, recipe.toml().encode())
    assert again.model_dump(exclude={"storage"}) == recipe.model_dump(exclude={"storage"})


@pytest.mark.slow
@fuzz(200, content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_refused_with_the_file(content: bytes, file: Path) -> None:
    """No such file is a recipe, and the line names the file, or the setting that it lacks."""
    words = refusal(lambda: recipe_of(file, content))
    assert words is not None
    assert str(file) in words or "setting" in words or "space" in words


lines = st.sampled_from(
    ["trials = 3", "seed=1", "[a", "x = '", '"""', "= 3", "space = 'mlp'", "a.b = 1", "{", "#", ""]
)


@pytest.mark.slow
@fuzz(200, text=st.lists(lines, max_size=6).map("\n".join))
def test_a_syntax_error_has_its_line(text: str, file: Path) -> None:
    """Wherever the text breaks off, the error gives a line that the file has."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        words = refusal(lambda: recipe_of(file, text.encode()))
        assert words is not None
        assert any(f"line {number}" in words for number in range(1, len(text.splitlines()) + 2))


@pytest.mark.slow
@fuzz(300, changes=edits())
def test_a_damaged_recipe_is_a_recipe_or_one_line(changes: list[Edit], file: Path) -> None:
    """Flipped, cut and overwritten bytes never end in a traceback."""
    refusal(lambda: recipe_of(file, damaged(WHOLE, changes)))


@fuzz(
    200,
    name=st.sampled_from([name for name in NAMES if len(name) > 4]),
    at=st.integers(0, 30),
    letter=st.sampled_from("aeinorst_"),
    kind=st.sampled_from(["drop", "double", "swap", "other"]),
)
def test_a_misspelt_setting_gets_a_known_one(name: str, at: int, letter: str, kind: str) -> None:
    """One wrong letter is enough for an error, and not too much for a suggestion."""
    at %= len(name)
    before, one, after = name[:at], name[at], name[at + 1 :]
    swapped = before + after[:1] + one + after[1:]
    made = {"drop": before + after, "double": before + one + one + after, "swap": swapped}
    wrong = made.get(kind, before + letter + after)
    if wrong not in NAMES:
        words = refusal(lambda: Recipe.from_sources(None, {"space": "cnn", wrong: 1}))
        assert words is not None
        assert words.startswith(f"{wrong} is not a setting of a recipe: did you mean ")
        assert words.partition("did you mean ")[2].rstrip("?") in NAMES


def test_the_values_include_every_kind_of_toml() -> None:
    """The strategy above draws what TOML can say; this list only reminds of the kinds."""
    kinds = (int, float, str, bool, date, time, datetime, list, dict)
    text = "a=1\nb=1.0\nc=''\nd=true\ne=2020-01-01\nf=10:00:00\ng=2020-01-01T10:00:00\nh=[]\ni={}"
    assert {type(value) for value in tomllib.loads(text).values()} == set(kinds)
