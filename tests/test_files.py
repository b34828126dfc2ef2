"""Files that are written whole or not at all."""

import os
from pathlib import Path

import pytest

from search.errors import MachineError
from search.files import atomic_write, check_writable, write_file


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the inodes that were synced, in order."""
    inodes: list[int] = []
    monkeypatch.setattr("os.fsync", lambda number: inodes.append(os.fstat(number).st_ino))
    return inodes


def test_the_file_is_on_the_disk_before_its_name(tmp_path: Path, synced: list[int]) -> None:
    """The content is synced first, then the folder that holds the name."""
    with atomic_write(tmp_path / "model.json", durable=True) as file:
        file.write(b"whole")
    assert (tmp_path / "model.json").read_bytes() == b"whole"
    assert synced == [(tmp_path / "model.json").stat().st_ino, tmp_path.stat().st_ino]


def write_and_fail(path: Path, failure: BaseException) -> None:
    with atomic_write(path, durable=True) as file:
        file.write(b"ha")
        raise failure


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_what_was_there_stays_where_writing_fails(
    failure: BaseException, tmp_path: Path, synced: list[int]
) -> None:
    """A full disk or Ctrl-C in the middle leaves the older file, and nothing beside it."""
    (tmp_path / "model.json").write_bytes(b"older")
    with pytest.raises(type(failure)):
        write_and_fail(tmp_path / "model.json", failure)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"older"]
    assert synced == []


def test_only_what_must_be_durable_is_synced(tmp_path: Path, synced: list[int]) -> None:
    """Syncing takes milliseconds to seconds, which a report need not wait for."""
    write_file(tmp_path / "report.md", "wörds")
    assert (tmp_path / "report.md").read_bytes() == "wörds".encode()
    assert synced == []


def test_the_file_before_can_be_kept(tmp_path: Path) -> None:
    """Then a damaged newest file leaves the one before it."""
    for content in (b"1", b"2", b"3"):
        with atomic_write(tmp_path / "newest", previous=tmp_path / "previous") as file:
            file.write(content)
    assert (tmp_path / "newest").read_bytes() == b"3"
    assert (tmp_path / "previous").read_bytes() == b"2"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no files")
def test_a_folder_that_takes_no_files_is_refused_by_its_setting() -> None:
    """Though its permissions would allow it."""
    with pytest.raises(MachineError, match=r"^runs_dir: .*'/proc'"):
        check_writable(Path("/proc/runs"))


def test_looking_whether_a_folder_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "runs")
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
