"""What a user's file imports belongs to it."""

import sys
from pathlib import Path

import pytest

from spaces import load_space, space_identity
from spaces.load import space_helpers
from spaces.user_code import UserCode
from tests.spaces.user_files import write_space

WIDTH = "return make(width=sizes.WIDTH)"


def write(folder: Path, **files: str) -> None:
    """Write modules."""
    write_files(folder, {f"{name}.py": text for name, text in files.items()})


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def width(setting: str) -> int:
    model = load_space(setting).candidate({}).model
    sizes: tuple[int, ...] = getattr(model, "hidden_widths", ())
    return sizes[0]


def test_a_helper_is_found_next_to_the_file_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder in which the command is given does not matter, nor what else is called so."""
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path, sizes="WIDTH = 5")
    write(tmp_path / "elsewhere", sizes="WIDTH = 99")
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    assert width(write_space(tmp_path, WIDTH, "import sizes")) == 5


def test_a_helper_on_pythons_path_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any program of the user's would find it."""
    write(tmp_path / "library", sizes="WIDTH = 6")
    monkeypatch.syspath_prepend(tmp_path / "library")
    setting = write_space(tmp_path, WIDTH, "import sizes")
    assert (width(setting), space_helpers(setting)) == (6, {"sizes.py": "WIDTH = 6"})


def test_files_with_helpers_of_one_name_keep_their_own(tmp_path: Path) -> None:
    """Two users' folders may each have one, and both are loaded in one process."""
    settings = []
    for size in (3, 7):
        folder = tmp_path / str(size)
        write(folder, sizes=f"WIDTH = {size}")
        settings.append(write_space(folder, f"import sizes\n{WIDTH}"))
    first, second = (load_space(one) for one in settings)
    for space, size in ((first, 3), (second, 7), (first, 3)):
        assert getattr(space.candidate({}).model, "hidden_widths", ()) == (size,)
    assert "sizes" not in sys.modules


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "suggest"),
    [
        ("import nets.parts.sizes", "return make(width=nets.parts.sizes.WIDTH)"),
        ("import nets.parts.sizes as sizes", WIDTH),
        ("from nets.parts import sizes", WIDTH),
        ("from nets.parts.sizes import *", "return make(width=WIDTH)"),
        ("from nets import WIDTH", "return make(width=WIDTH)"),
        ("", f"from nets.parts import sizes\n{WIDTH}"),
        ("from bare.folder.sizes import WIDTH", "return make(width=WIDTH)"),
        ("try:\n    import absent\nexcept ImportError:\n    from nets.parts import sizes", WIDTH),
    ],
)
def test_packages_are_imported_as_python_does(tmp_path: Path, head: str, suggest: str) -> None:
    """By dotted names, relatively, all of it, in a function, and without __init__.py."""
    files = {
        "nets/__init__.py": "from .parts.sizes import WIDTH",
        "nets/parts/__init__.py": "",
        "nets/parts/sizes.py": "from ..base import SIZE\nWIDTH = SIZE",
        "nets/base.py": "SIZE = 8",
        "bare/folder/sizes.py": "WIDTH = 8",
    }
    write_files(tmp_path, files)
    setting = write_space(tmp_path, suggest, head)
    assert width(setting) == 8
    bare = {name for name in files if name.startswith("bare")}
    assert set(space_helpers(setting)) == (bare if "bare" in head else set(files) - bare)


def test_helpers_change_with_their_code_alone(tmp_path: Path) -> None:
    """Comments do not count; what a helper imports does. The file itself stays the same."""
    setting = write_space(tmp_path, WIDTH, "import sizes")
    write(tmp_path, sizes="from base import WIDTH", base="WIDTH = 3")
    main, helpers = space_identity(setting), space_helpers(setting)
    assert helpers == {"base.py": "WIDTH = 3", "sizes.py": "from base import WIDTH"}
    write(tmp_path, base="# narrow\nWIDTH  =  3")
    assert space_helpers(setting) == helpers
    write(tmp_path, base="WIDTH = 4")
    assert space_helpers(setting) != helpers
    assert space_identity(setting) == main
    assert width(setting) == 4


def test_what_is_installed_is_no_helper(tmp_path: Path) -> None:
    """Libraries, Python's own modules and this program are told by their versions."""
    head = "import json\nimport numpy.linalg\nimport torch\nfrom spaces.cnn import CNN_SPACE"
    setting = write_space(tmp_path, "return make()", head)
    write(tmp_path, json="1 / 0")
    assert space_helpers(setting) == {}
    assert load_space(setting)


def test_a_file_may_be_called_like_what_it_imports(tmp_path: Path) -> None:
    """A user's spaces.py takes Space from this program's spaces, optuna.py uses Optuna."""
    text = Path(write_space(tmp_path, "return make()").rpartition(":")[0]).read_text("utf-8")
    for name in ("spaces.py", "optuna.py", "search.py"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert load_space(f"{tmp_path / name}:SPACE").name == "mine"


def test_errors_in_a_helper_name_its_file_and_line(tmp_path: Path) -> None:
    """While it is run, when it is asked later, and when it is no Python."""
    setting = write_space(tmp_path, WIDTH, "import sizes")
    for text, expected in (
        (
            "x = 1\nWIDTH = 1 / 0",
            "division by zero (sizes.py, line 2: WIDTH = 1 / 0)",
        ),
        ("def broken(:", "(sizes.py, line 1)"),
    ):
        write(tmp_path, sizes=text)
        with pytest.raises(ValueError, match=r".") as caught:
            load_space(setting)
        assert expected in str(caught.value)
    with pytest.raises(ValueError, match=r"ModuleNotFoundError: No module named 'nothing_there'"):
        load_space(write_space(tmp_path, "return make()", "from nothing_there import x"))


def test_code_runs_where_its_files_are_not(tmp_path: Path) -> None:
    """A worker on another machine has the text only; the same text runs once."""
    setting = write_space(tmp_path, WIDTH, "import sizes")
    write(tmp_path, sizes="WIDTH = 9")
    code = UserCode.read(Path(setting.rpartition(":")[0]))
    for file in tmp_path.iterdir():
        file.unlink()
    module = code.run()
    assert module.sizes.WIDTH == 9
    assert code.run() is module


def test_classes_of_a_helper_may_have_postponed_annotations(tmp_path: Path) -> None:
    """Dataclasses and pydantic look up the module of a class, even later."""
    write(
        tmp_path,
        sizes="from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from pydantic import TypeAdapter\nfrom typing import Literal\n"
        "@dataclass\nclass Size:\n    width: Literal[5] = 5\n"
        "def check(value):\n    return TypeAdapter(Size).validate_python(value).width\n",
    )
    suggest = "return make(width=sizes.check({'width': 5}))"
    assert width(write_space(tmp_path, suggest, "import sizes")) == 5
