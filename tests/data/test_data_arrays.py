"""Arrays from .npy and .npz files that may be damaged."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from search.data.npy import read_integers, read_npy


def write_archive(path: Path, content: bytes) -> Path:
    """Write an .npz file whose only member holds these bytes, with a checksum that fits."""
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("train_0.npy", content)
    return path


def array_bytes(array: np.ndarray) -> bytes:
    """Return an array as a .npy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def test_integers_are_returned(tmp_path: Path) -> None:
    """As they were written."""
    path = write_archive(tmp_path / "folds.npz", array_bytes(np.arange(3)))
    assert {name: array.tolist() for name, array in read_integers(path).items()} == {
        "train_0": [0, 1, 2]
    }


@pytest.mark.parametrize(
    "content", [b"\x00" + array_bytes(np.arange(3))[1:], array_bytes(np.array(["0"])), b""]
)
def test_anything_but_integers_is_refused(content: bytes, tmp_path: Path) -> None:
    """NumPy hands out the bytes of a member whose first ones are damaged."""
    path = write_archive(tmp_path / "folds.npz", content)
    with pytest.raises(ValueError, match="train_0 is not an array"):
        read_integers(path)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", array_bytes(np.arange(9))[:-1], b"PK"])
def test_damage_is_a_value_error(content: bytes, tmp_path: Path) -> None:
    """Whatever NumPy and zipfile raise."""
    path = tmp_path / "images.npy"
    path.write_bytes(content)
    for read in (read_npy, read_integers):
        with pytest.raises(ValueError, match=r"\w"):
            read(path)


def test_a_missing_file_is_told_apart(tmp_path: Path) -> None:
    """It may be all right that it is not there."""
    for read in (read_npy, read_integers):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none")
