"""The study's lock: one run at a time, by folder and by database, and who holds it."""

import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from search.errors import MachineError, UserError
from search.paths import RunPaths
from search.tuning.advisory_lock import lock_key
from search.tuning.locks import study_lock
from search.tuning.storage import lock_folder

_HOLDER = r"'study' is being run by process \d+ on .* since 20\d\d-.*; wait for it"


def refused(paths: RunPaths, storage: str | None) -> bool:
    """Return whether a second run is refused by a line that names the holder."""
    try:
        with study_lock(paths, storage):
            return False
    except UserError as error:
        return re.search(_HOLDER, str(error)) is not None


def test_a_second_run_is_refused_with_its_holder(tmp_path: Path) -> None:
    """While the lock is held, another run is told who holds it; afterwards it is free."""
    paths = RunPaths(tmp_path, "study")
    with study_lock(paths):
        assert refused(paths, None)
    assert not refused(paths, None)


@pytest.mark.parametrize("link", [False, True])
def test_two_runs_folders_with_one_database_exclude_each_other(tmp_path: Path, link: bool) -> None:
    """The default database of one is the --storage of the other, be it by another name."""
    ours, theirs = RunPaths(tmp_path / "ours", "study"), RunPaths(tmp_path / "theirs", "study")
    database = ours.database
    if link:
        database = tmp_path / "alias.db"
        database.symlink_to(ours.database)
    with study_lock(ours):
        assert refused(theirs, f"sqlite:///{database}")
    with study_lock(theirs, f"sqlite:///{database}?timeout=5"):
        assert refused(ours, None)


def test_other_studies_and_other_databases_are_free(tmp_path: Path) -> None:
    """One lock is one study in one database."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with study_lock(RunPaths(ours, "study")):
        assert not refused(RunPaths(ours, "another"), None)
        assert not refused(RunPaths(theirs, "study"), None)
        assert not refused(RunPaths(theirs, "study"), f"sqlite:///{tmp_path}/other.db")


def test_a_refusal_by_the_database_frees_the_folder(tmp_path: Path) -> None:
    """A run that gets only one of its locks keeps none."""
    ours, theirs = RunPaths(tmp_path / "ours", "study"), RunPaths(tmp_path / "theirs", "study")
    url = f"sqlite:///{tmp_path}/shared.db"
    with study_lock(ours, url):
        assert refused(theirs, url)
        assert not refused(theirs, f"sqlite:///{tmp_path}/other.db")


@pytest.mark.slow
def test_a_killed_holder_frees_its_locks(tmp_path: Path) -> None:
    """The operating system frees it, so that the same command resumes the study."""
    code = (
        "import sys, time; from pathlib import Path; from search.paths import RunPaths;"
        "from search.tuning.locks import study_lock;"
        "lock = study_lock(RunPaths(Path(sys.argv[1]), 'study')); lock.__enter__();"
        "print('held', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert refused(RunPaths(tmp_path, "study"), None)
        holder.send_signal(signal.SIGKILL)
    assert not refused(RunPaths(tmp_path, "study"), None)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": 1, "surprise": 2}'])
def test_an_unreadable_note_hides_no_refusal(tmp_path: Path, text: str) -> None:
    """Who holds the lock may be unknown; that it is held is not."""
    paths = RunPaths(tmp_path, "study")
    with study_lock(paths):
        paths.lock_holder.write_text(text, encoding="utf-8")
        with (
            pytest.raises(UserError, match="is being run by another process; wait"),
            study_lock(paths),
        ):
            pytest.fail("the lock was held twice")


def test_the_note_names_this_process(tmp_path: Path) -> None:
    """Process and host, in the study's folder."""
    paths = RunPaths(tmp_path, "study")
    with study_lock(paths):
        note = json.loads(paths.lock_holder.read_text(encoding="utf-8"))
    assert note["process"] == os.getpid()
    assert note.keys() == {"process", "host", "since"}


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql+nodriver://host/x", "postgresql://127.0.0.1:1/x"]
)
def test_an_unusable_storage_leaves_no_lock_behind(tmp_path: Path, url: str) -> None:
    """The mistake is named, and the folder is free."""
    paths = RunPaths(tmp_path, "study")
    with pytest.raises(UserError, match=r"^storage: "), study_lock(paths, url):
        pytest.fail("locked what is no database")
    assert not refused(paths, None)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///{}/new/a.db", "does not exist; create '.*/new', or name"),
        (
            "sqlite:///{}/a.db?mode=ro",
            "is read-only, but a study must be written",
        ),
        ("sqlite:///file:{}/a.db?immutable=1&uri=true", "is read-only, but"),
    ],
)
def test_a_refused_file_leaves_nothing_behind(tmp_path: Path, url: str, words: str) -> None:
    """Neither locks nor folders: what was mistyped is not made."""
    paths = RunPaths(tmp_path / "runs", "study")
    with (
        pytest.raises(UserError, match=f"^storage: .* {words}"),
        study_lock(paths, url.format(tmp_path)),
    ):
        pytest.fail("locked what cannot be written")
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line that names the folder, and does not advise to try it again."""
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    said = "^runs_dir: .* is read-only for you, and nothing was changed; give another folder"
    with (
        pytest.raises(MachineError, match=said) as caught,
        study_lock(RunPaths(tmp_path / "runs", "study")),
    ):
        pytest.fail("locked what cannot be written")
    assert repr(str(tmp_path)) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_within_a_file_is_a_mistake(tmp_path: Path) -> None:
    """As --runs-dir /etc/passwd/x would be."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match=r"^runs_dir must be a folder, got the file '.*file'$"),
        study_lock(RunPaths(tmp_path / "file" / "x", "study")),
    ):
        pytest.fail("locked what cannot be a folder")


def test_locks_lie_beside_their_database() -> None:
    """In a folder that is named after it."""
    assert lock_folder(Path("/a/studies.db")) == Path("/a/studies.db.locks")


@pytest.mark.slow
def test_every_study_has_a_key_of_its_own() -> None:
    """64 bits, signed, as PostgreSQL has them; the same in every process."""
    names = [f"study-{number}" for number in range(200)]
    keys = [lock_key(name) for name in names]
    assert len(set(keys)) == len(names)
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert min(keys) < 0 < max(keys)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(lock_key, names) == keys


def test_a_refused_start_leaves_no_folder_that_was_not_there(tmp_path: Path) -> None:
    """The lock's own files go with it; of a study that was there before nothing is touched."""
    ours, theirs = RunPaths(tmp_path / "ours", "study"), RunPaths(tmp_path / "theirs", "study")
    database = f"sqlite:///{ours.database}"
    with study_lock(ours):
        assert refused(theirs, database)
        assert not theirs.study_dir.exists()
        theirs.study_dir.mkdir()
        (theirs.study_dir / "notes.txt").write_text("mine", encoding="utf-8")
        assert refused(theirs, database)
        assert (theirs.study_dir / "notes.txt").exists()
