"""What all tests share: one core each, the command line, and tiny image folders."""

import gc
import io
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import pytest
import torch
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import settings
from PIL import Image

from search import plotting
from search.cli.app import main

pytest_plugins = ["tests.fuzz.counting", "tests.study_fixtures"]

_PUBLISHED_DPI, _PUBLISHED_STYLE = plotting._DPI, plotting._STYLE

settings.register_profile("unhurried", deadline=None)  # no test asserts a time
settings.load_profile("unhurried")


@final
@dataclass(frozen=True)
class CommandResult:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    def error(self) -> str:
        """Return the user error, after checking that it is one line and the exit status 2."""
        assert (self.status, self.err.count("\n")) == (2, 1), self.err
        assert self.err.startswith("error: ")
        return self.err.removeprefix("error: ").rstrip("\n")


Command = Callable[..., CommandResult]
FolderMaker = Callable[..., Path]


def pytest_collection() -> None:
    """Look for no garbage while modules are loaded and tests are made: all of them stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for it seldom, and never again among what was loaded."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return two test processes more than there are cores; none but this one for single files.

    Many tests wait for processes that they start. Four more are no faster.
    """
    if any(".py" in argument for argument in config.args):
        return 0
    return len(os.sched_getaffinity(0)) + 2


@pytest.fixture(scope="session", autouse=True)
def one_core() -> Iterator[None]:
    """Compute with one thread, as if this machine had one core.

    A refit would otherwise take all cores, and leave torch with that many threads: they wait
    actively for each other, which makes tiny networks many times slower on a busy machine.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        patch.setenv("OMP_NUM_THREADS", "1")  # of the processes that tests start
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_figures() -> Iterator[None]:
    """Draw figures at a tenth of their resolution, letters as shapes: in a third of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plotting, "_DPI", _PUBLISHED_DPI // 10)
        patch.setattr(plotting, "_STYLE", _PUBLISHED_STYLE | {"pdf.fonttype": 3})
        yield


@pytest.fixture
def published_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw figures as users get them."""
    monkeypatch.setattr(plotting, "_DPI", _PUBLISHED_DPI)
    monkeypatch.setattr(plotting, "_STYLE", _PUBLISHED_STYLE)


@pytest.fixture(scope="session", autouse=True)
def migrations_read_once() -> Iterator[None]:
    """Have Optuna's migrations, which do not change, read once, not three times for each file."""
    read, known = ScriptDirectory.from_config, dict[str | None, ScriptDirectory]()

    def from_config(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = read(config)
        return known[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", from_config)
        yield


@pytest.fixture(scope="session")
def command() -> Command:
    """Return what runs `python -m search ARGUMENTS...` in this process."""

    def run(*arguments: str | Path, cwd: Path | None = None) -> CommandResult:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
                patch.delenv(name, raising=False)
            patch.setattr("sys.argv", ["search", *map(str, arguments)])
            if cwd is not None:
                patch.chdir(cwd)
            with pytest.raises(SystemExit) as ended:
                main()
        return CommandResult(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def make_folder() -> FolderMaker:
    """Return a maker of image folders with the given class sizes, the classes of unlike grey."""

    def make(root: Path, sizes: dict[str, int], side: int = 8) -> Path:
        rng = np.random.default_rng(0)
        for number, (name, count) in enumerate(sizes.items()):
            folder = root / "train" / name
            folder.mkdir(parents=True)
            for i in range(count):
                noise = rng.integers(0, 100, (side, side, 3), dtype=np.uint8)
                Image.fromarray(noise + np.uint8(100 * number)).save(folder / f"{i}.png")
        return root

    return make
