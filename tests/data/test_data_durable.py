"""Files that are whole or not there."""

import os
from pathlib import Path

import pytest

from search.files import whole_file


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the inodes that were synced, in order."""
    inodes: list[int] = []
    monkeypatch.setattr("os.fsync", lambda number: inodes.append(os.fstat(number).st_ino))
    return inodes


def test_the_file_is_on_the_disk_before_its_name(tmp_path: Path, synced: list[int]) -> None:
    """The content is synced first, then the folder that holds the name."""
    with whole_file(tmp_path / "model.json") as file:
        file.write(b"whole")
    assert (tmp_path / "model.json").read_bytes() == b"whole"
    assert synced == [(tmp_path / "model.json").stat().st_ino, tmp_path.stat().st_ino]


def write_and_fail(path: Path, failure: BaseException) -> None:
    with whole_file(path) as file:
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
