"""Loading spaces by name and from files."""

import sys
from pathlib import Path

import pytest

from spaces import BUILT_IN, Candidate, load_space, space_identity
from spaces.load import listed_spaces

GOOD = """\
from spaces import Candidate, MLPConfig, SGDConfig, Space

def suggest(trial):
    rate = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    return Candidate(model=MLPConfig(), optimizer=SGDConfig(learning_rate=rate))

SPACE = Space("tiny", suggest)
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "tiny.py"
    path.write_text(text, encoding="utf-8")
    return path


def failure(text: str) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        load_space(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_spaces_have_their_names(name: str) -> None:
    """A built-in space is found under the name that it bears."""
    assert load_space(name).name == name


def test_user_file_leaves_nothing_behind(tmp_path: Path) -> None:
    """A file's space loads, without a module that others could import or bytecode in its folder."""
    path = write(tmp_path, GOOD)
    before = set(sys.modules)
    space = load_space(f"{path}:SPACE")
    assert isinstance(space.candidate({"lr": 0.01}), Candidate)
    assert all(name.startswith("user_code_") for name in set(sys.modules) - before)
    assert list(tmp_path.iterdir()) == [path]


def test_edited_file_is_read_again(tmp_path: Path) -> None:
    """A second load sees what the file says now, even after an edit of the same length."""
    path = write(tmp_path, GOOD)
    load_space(f"{path}:SPACE")
    write(tmp_path, GOOD.replace("tiny", "tidy"))
    assert load_space(f"{path}:SPACE").name == "tidy"


def test_dataclasses_in_a_user_file_work(tmp_path: Path) -> None:
    """A file may define dataclasses with postponed annotations."""
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    body = "@dataclass\nclass Settings:\n    width: int = 3\n"
    path = write(tmp_path, head + body + GOOD)
    assert load_space(f"{path}:SPACE").name == "tiny"


def test_an_unknown_argument_of_a_network_is_answered_with_those_there_are(tmp_path: Path) -> None:
    """Whoever writes a space need not look them up in the source."""
    path = write(tmp_path, GOOD.replace("MLPConfig()", "MLPConfig(hidden=(8,))"))
    message = failure(f"{path}:SPACE")
    assert "'hidden'; it takes hidden_widths, " in message
    assert "(line 5: return Candidate(model=MLPConfig(hidden=" in message


def test_unknown_name_suggests_the_nearest() -> None:
    """A misspelt name is refused with what exists, and with the nearest name."""
    message = failure("cn")
    assert f"{', '.join(BUILT_IN)} or FILE.py:NAME" in message
    assert "did you mean cnn?" in message
    assert "'cn'" in message


@pytest.mark.parametrize("text", ["", "zzz", "tiny.py", "tiny.py:", "tiny.txt:SPACE", ":"])
def test_text_that_is_no_space_is_refused(text: str) -> None:
    """What is neither a name nor FILE.py:NAME is refused with what is accepted."""
    assert f"space must be {', '.join(BUILT_IN)} or FILE.py:NAME, got {text!r}" in failure(text)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that does not exist is named; so is a folder."""
    assert "nowhere.py' does not exist" in failure(f"{tmp_path}/nowhere.py:SPACE")
    (tmp_path / "folder.py").mkdir()
    assert "is not a file" in failure(f"{tmp_path}/folder.py:SPACE")


def test_missing_attribute_lists_the_spaces(tmp_path: Path) -> None:
    """A name that the file lacks is refused with the spaces that it holds."""
    message = failure(f"{write(tmp_path, GOOD)}:SPCE")
    assert "has no 'SPCE'; its spaces: SPACE" in message


def test_a_file_without_a_name_lists_its_own_spaces(tmp_path: Path) -> None:
    """Not those that it imports, unless it has no others."""
    text = f"from spaces.mlp import MLP_SPACE\n{GOOD}OTHER = SPACE\n"
    path = write(tmp_path, text)
    assert failure(f"{path}").endswith(f"as in {path}:SPACE; its spaces: SPACE, OTHER")
    assert listed_spaces(f"{path}") == [f"{path}:SPACE", f"{path}:OTHER"]
    write(tmp_path, "from spaces.mlp import MLP_SPACE\n")
    assert listed_spaces(f"{path}") == [f"{path}:MLP_SPACE"]
    assert failure(f"{write(tmp_path, 'x = 1')}").endswith("it has no Space")
    assert listed_spaces(f"{path}") == [f"{path}"]
    assert listed_spaces("mlp") == ["mlp"]
    assert listed_spaces(None) == list(BUILT_IN)


def test_attribute_that_is_no_space_is_refused(tmp_path: Path) -> None:
    """A name that is something else is refused with what it is."""
    assert "suggest of" in failure(f"{write(tmp_path, GOOD)}:suggest")
    assert "has type int, not Space; it has no Space" in failure(
        f"{write(tmp_path, 'SPACE = 3')}:SPACE"
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1\ny = x / 0\n", "ZeroDivisionError: division by zero (line 2: y = x / 0)"),
        ("import no_such_module_at_all\n", "(line 1: import no_such_module_at_all)"),
        ("x = 1\ndef broken(:\n", "line 2)"),
        ("raise ValueError('two\\nlines')\n", "ValueError: two lines (line 1)"),
        ("import sys\nsys.exit('bye')\n", "SystemExit: bye (line 2: sys.exit('bye'))"),
        ("x = '\0'\n", "null bytes"),
    ],
)
def test_errors_while_importing_name_kind_and_line(
    tmp_path: Path, code: str, expected: str
) -> None:
    """A file that fails while it is imported gives one line with the error and its place."""
    message = failure(f"{write(tmp_path, code)}:SPACE")
    assert expected in message
    assert "tiny.py:SPACE" in message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("return Candidate", "return str", "(line 5: return str("),
        ("return Candidate(", "return dict(", "must return a Candidate, got dict"),
        ("1e-3, 1e-1", "1e-1, 1e-3", "(line 4: rate = trial.suggest_float("),
        ("=rate", "=-rate", "SGDConfig.learning_rate: Input should be greater than 0, got -0."),
        ('"tiny", suggest', '"tiny", suggest, {"lr": 5.0}', "'lr' must be 0.001 to 0.1"),
        (
            '"tiny", suggest',
            '"tiny", suggest, None, {"lt": (1,)}',
            "'lt', which is not a parameter",
        ),
        ('"tiny", suggest', '"tiny", suggest, None, {"lr": (1,)}', "'lr' must be 0.001 to 0.1"),
        ('"tiny", suggest', '"tiny", None', "TypeError"),
    ],
)
def test_mistakes_in_suggest_show_on_loading(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    """A space that cannot be searched is refused when it is loaded, not in the first trial."""
    assert expected in failure(f"{write(tmp_path, GOOD.replace(old, new))}:SPACE")


def test_failed_import_leaves_no_module(tmp_path: Path) -> None:
    """A file that fails while it is imported leaves nothing among the modules."""
    before = set(sys.modules)
    failure(f"{write(tmp_path, '1 / 0')}:SPACE")
    assert set(sys.modules) == before


def test_source_follows_the_code(tmp_path: Path) -> None:
    """A space's source changes with its code, and only then."""
    path = write(tmp_path, GOOD)
    first = space_identity(f"{path}:SPACE")
    assert space_identity(f"{path}:SPACE") == first
    write(tmp_path, GOOD.replace("1e-1", "2e-1"))
    assert space_identity(f"{path}:SPACE") != first


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def suggest(trial):", "# what to ask\ndef suggest(trial):  # a trial"),
        ("def suggest(trial):", 'def suggest(trial):\n    """Return a candidate."""'),
        ("from spaces", '"""A tiny space."""\n\nfrom spaces'),
        ("1e-3, 1e-1, log=True", "\n        1e-3,\n        0.1,\n        log = True,\n    "),
        ('"tiny"', "'tiny'"),
    ],
)
def test_source_is_without_what_does_nothing(tmp_path: Path, old: str, new: str) -> None:
    """Comments, docstrings, line breaks and quotes do not count."""
    first = space_identity(f"{write(tmp_path, GOOD)}:SPACE")
    assert old in GOOD
    assert space_identity(f"{write(tmp_path, GOOD.replace(old, new))}:SPACE") == first


def test_a_body_that_is_a_docstring_stays_code(tmp_path: Path) -> None:
    """Without its docstring it is still valid, so that the source can be read again."""
    path = write(tmp_path, 'class Empty:\n    """Nothing."""\n')
    assert space_identity(f"{path}:SPACE") == "class Empty:\n    pass"


def test_source_that_is_no_python_is_one_line(tmp_path: Path) -> None:
    """A file that cannot be parsed is named."""
    with pytest.raises(ValueError, match=r"tiny.py:SPACE': SyntaxError") as caught:
        space_identity(f"{write(tmp_path, 'def (')}:SPACE")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_built_in_spaces_have_identities_of_their_own() -> None:
    """Each is the same every time, and unlike the other's; an unknown space has none."""
    assert len({space_identity(name) for name in BUILT_IN}) == len(BUILT_IN)
    assert all(space_identity(name) == space_identity(name) for name in BUILT_IN)
    with pytest.raises(ValueError, match="space must be"):
        space_identity("lenet")
