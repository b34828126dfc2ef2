"""Who runs a study is asked without taking its lock from a run that begins."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from search.paths import RunPaths
from search.tuning import locks
from search.tuning.locks import study_holder, study_lock

_HOLD = (
    "import sys, time; from pathlib import Path; from search.paths import RunPaths;"
    "from search.tuning.locks import study_lock;"
    "lock = study_lock(RunPaths(Path(sys.argv[1]), 'study')); lock.__enter__();"
    "print('held', flush=True); time.sleep(600)"
)


@pytest.fixture(params=[True, False])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the kernel for its locks, where it lists them; then only whether the process lives."""
    if not request.param:
        monkeypatch.setattr(locks, "_KERNELS_LOCKS", Path("/nowhere"))


@pytest.mark.slow
@pytest.mark.usefixtures("kernel")
def test_the_holder_is_known_until_it_is_killed(tmp_path: Path) -> None:
    """Another process is named while it lives; a killed one holds nothing."""
    paths = RunPaths(tmp_path, "study")
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert (study_holder(paths) or "").startswith(f"process {process.pid} on ")
        process.send_signal(signal.SIGKILL)
    assert study_holder(paths) is None


def test_nobody_holds_what_was_never_run(tmp_path: Path) -> None:
    """Asking makes no folder and no file."""
    assert study_holder(RunPaths(tmp_path / "runs", "study")) is None
    assert list(tmp_path.iterdir()) == []


def test_a_freed_lock_is_held_by_nobody(tmp_path: Path) -> None:
    """Though this process, which held it, lives on."""
    paths = RunPaths(tmp_path, "study")
    with study_lock(paths):
        assert (study_holder(paths) or "").startswith(f"process {os.getpid()} on ")
    if locks._KERNELS_LOCKS.exists():
        assert study_holder(paths) is None


def test_a_run_of_the_same_database_from_another_folder_counts(tmp_path: Path) -> None:
    """The lock next to the database counts, too."""
    ours, theirs = RunPaths(tmp_path / "ours", "study"), RunPaths(tmp_path / "theirs", "study")
    with study_lock(ours):
        assert study_holder(theirs, f"sqlite:///{ours.database}") is not None
    assert study_holder(theirs, f"sqlite:///{tmp_path}/other.db") is None


def test_another_hosts_lock_counts_as_held(tmp_path: Path) -> None:
    """Nothing can be asked of it from here."""
    paths = RunPaths(tmp_path, "study")
    with study_lock(paths):
        note = '{"process": 1, "host": "elsewhere", "since": "2025-01-01"}'
        paths.lock_holder.write_text(note, encoding="utf-8")
    assert study_holder(paths) == "process 1 on elsewhere since 2025-01-01"


@pytest.mark.parametrize("note", ["", "{", "[]"])
def test_an_unreadable_note_names_nobody(tmp_path: Path, note: str) -> None:
    """It belongs to a run that has just started, or to none."""
    paths = RunPaths(tmp_path, "study")
    with study_lock(paths):
        pass
    paths.lock_holder.write_text(note, encoding="utf-8")
    assert study_holder(paths) is None
