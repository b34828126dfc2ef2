"""Arrays from npz files that may be damaged."""

import io
import zipfile

import numpy as np
import pytest

from search.data.cache import integers


def archive(content: bytes) -> io.BytesIO:
    """Return an npz file whose only member holds these bytes, with a sum that fits."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        members.writestr("train_0.npy", content)
    file.seek(0)
    return file


def array_bytes(array: np.ndarray) -> bytes:
    """Return an array as a npy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def test_integers_are_returned() -> None:
    """As they were written."""
    with np.load(archive(array_bytes(np.arange(3)))) as arrays:
        assert integers(arrays, "train_0").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "content", [b"\x00" + array_bytes(np.arange(3))[1:], array_bytes(np.array(["0"])), b""]
)
def test_anything_else_is_refused(content: bytes) -> None:
    """NumPy hands out the bytes of a member whose first ones are damaged."""
    with (
        np.load(archive(content), allow_pickle=False) as arrays,
        pytest.raises(ValueError, match="train_0 is no array of integers"),
    ):
        integers(arrays, "train_0")
