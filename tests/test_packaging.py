"""What the distribution contains and says, read from pyproject.toml and the source."""

import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("cifar_models", "spaces", "search")


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_of_the_packages_is_in_the_wheel(settings: dict[str, Any]) -> None:
    """Modules lie in packages, and each other file is matched by its package's patterns."""
    patterns = settings["tool"]["setuptools"]["package-data"]
    files = [path for name in _PACKAGES for path in (_ROOT / name).rglob("*") if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    assert {path.suffix for path in files} >= {".py", ".jinja", ".css", ".json", ".typed"}
    for path in files:
        assert (path.parent / "__init__.py").is_file(), path
        package = ".".join(path.parent.relative_to(_ROOT).parts)
        known = ("*.py", *patterns["*"], *patterns.get(package, ()))
        assert any(fnmatch(path.name, pattern) for pattern in known), path


def test_packages_are_typed() -> None:
    """Type checkers read the annotations of each."""
    assert all((_ROOT / name / "py.typed").is_file() for name in _PACKAGES)


def test_the_console_script_is_the_program(settings: dict[str, Any], command: Command) -> None:
    """Its function runs the command line; the version is that of the distribution."""
    assert settings["project"]["scripts"] == {"cifar-search": "search.cli.app:main"}
    shown = command("--version")
    assert shown.status == 0
    name, _, number = shown.out.strip().partition(" ")
    assert name == settings["project"]["name"]
    assert number.count(".") == 2


def test_the_license_is_stated_and_there(settings: dict[str, Any]) -> None:
    project = settings["project"]
    assert project["license"] == "MIT"
    assert all((_ROOT / name).is_file() for name in project["license-files"])


def test_the_changelog_has_this_version(settings: dict[str, Any]) -> None:
    """Entries stand under the version that has them."""
    text = (_ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert headings[-1].partition(",")[0] == settings["project"]["version"]


def test_the_image_copies_what_it_builds_from(settings: dict[str, Any]) -> None:
    """The Dockerfile copies every package, and what pyproject.toml names."""
    copied = (_ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignored = (_ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for name in (*_PACKAGES, "pyproject.toml", settings["project"]["readme"], "LICENSE"):
        assert name in copied
        assert f"!{name}" in ignored


@pytest.mark.slow
def test_completion_is_there() -> None:
    """A shell gets its script, as `--show-completion` prints it."""
    shown = subprocess.run(
        [sys.executable, "-m", "search", "--show-completion", "bash"],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
    )
    assert "complete" in shown.stdout.lower() or "shell" in shown.stderr.lower()
