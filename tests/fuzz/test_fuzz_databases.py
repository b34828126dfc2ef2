"""Databases with damaged bytes, read by every command that looks at studies."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import strategies as st

from search.paths import RunPaths
from spaces.cnn import CNN_SPACE
from tests.conftest import Command
from tests.fuzz.fuzzing import Edit, damaged, edits, fuzz
from tests.report.report_fakes import complete_trial, history, other_trial, study_record
from tests.views.showing_fakes import store

pytestmark = pytest.mark.slow

NAME = "cnn-random-photos"
LOOKING = [
    ["list"],
    ["list", "--json"],
    ["show", NAME],
    ["show", NAME, "--json"],
    ["show", NAME, "--trial", "0"],
    ["export", NAME, "--trial", "0", "--recipe"],
    ["replay", NAME],
    ["predict", NAME, "image.png"],
    ["delete", NAME],
    ["delete", NAME, "--yes"],
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a runs folder with a study of three trials, all of it in the one SQLite file."""
    folder = tmp_path_factory.mktemp("databases")
    trials = [
        complete_trial(0, [0.2, 0.5], [0.3, 0.6], candidate=CNN_SPACE.baseline()),
        other_trial(1, "pruned", value=0.1, history=history([[0.1]])),
        other_trial(2, "waiting"),
    ]
    store(study_record(trials), folder / "made")
    runs = RunPaths(folder / "whole", NAME)
    runs.study_dir.mkdir(parents=True)
    with closing(sqlite3.connect(RunPaths(folder / "made", NAME).database)) as database:
        database.execute("VACUUM INTO ?", (str(runs.database),))
    return folder / "whole"


def looked_at(whole: Path, content: bytes, arguments: list[str], command: Command) -> None:
    """Run a command on the damaged database: it does its job, or refuses in one line."""
    runs = whole.with_name("damaged")
    shutil.rmtree(runs, ignore_errors=True)
    shutil.copytree(whole, runs)
    RunPaths(runs, NAME).database.write_bytes(content)
    result = command(*arguments, "--runs-dir", runs)
    assert result.status in (0, 1, 2)
    assert result.err.count("\n") == (result.status != 0), result.err


@fuzz(
    150,
    at=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
    arguments=st.sampled_from(LOOKING),
)
def test_a_flipped_bit_of_what_is_stored_is_no_traceback(
    whole: Path, command: Command, at: float, bit: int, arguments: list[str]
) -> None:
    """Most of a database's bytes are empty room: these are not."""
    content = bytearray(RunPaths(whole, NAME).database.read_bytes())
    written = [place for place, byte in enumerate(content) if byte]
    content[written[int(at * len(written))]] ^= 1 << bit
    looked_at(whole, bytes(content), arguments, command)


@fuzz(100, changes=edits(), arguments=st.sampled_from(LOOKING))
def test_a_damaged_database_is_no_traceback(
    whole: Path, command: Command, changes: list[Edit], arguments: list[str]
) -> None:
    """Cut, shifted, zeroed or overwritten anywhere."""
    content = damaged(RunPaths(whole, NAME).database.read_bytes(), changes)
    looked_at(whole, content, arguments, command)
