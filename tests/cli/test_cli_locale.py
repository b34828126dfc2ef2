"""Names that are not ASCII, under locales that are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FolderMaker

pytestmark = pytest.mark.slow

_C = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
_ASCII = {"PYTHONUTF8": "0"}
_AS_IT_COMES: dict[str, str] = {}  # with the C locale, Python takes UTF-8


def test_names_of_any_language_are_stored_and_shown(
    tmp_path: Path, make_folder: FolderMaker
) -> None:
    """Containers and cluster jobs often have the C locale; names are kept all the same."""
    make_folder(tmp_path / "tiere", {"kätzchen": 8, "犬": 8})
    runs = tmp_path / "läufe"

    def search(*arguments: object, mode: dict[str, str] = _ASCII) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "search", *map(str, arguments), "--runs-dir", str(runs)],
            cwd=tmp_path,
            env=_without_utf8() | {"PYTHONPATH": ":".join(sys.path)} | _C | mode,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    space = ("run", "--space", "mlp", "--dataset", tmp_path / "tiere", "--max-parameters", 200000)
    search(
        *space, "--trials", 1, "--epochs", 1, "--no-baseline", "--workers", 1, "--study-name", "s"
    )
    report = (runs / "s" / "report" / "report.md").read_text(encoding="utf-8")
    assert "kätzchen" in report
    assert "犬" in report
    for mode in (_ASCII, _AS_IT_COMES):
        told = search("predict", "s", Path("tiere", "train", "kätzchen"), mode=mode)
        assert "kätzchen" in told


def _without_utf8() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONUTF8", "LANG")}
