"""NumPy's files: written durably, memory-mapped, read without trust.

A damaged file raises ValueError with the reason.
"""

import hashlib
import io
import math
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

# What zipfile and NumPy raise on damaged .npy and .npz files.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


@final
@dataclass(frozen=True)
class ArrayFile:
    """A .npy file (format 1.0, C order); `dtype` is NumPy's name of it, such as "|u1"."""

    path: Path
    dtype: str
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        """The bytes before the values."""
        buffer = io.BytesIO()
        facts = {"descr": self.dtype, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(buffer, facts)
        return buffer.getvalue()

    @property
    def n_bytes(self) -> int:
        """The size of the file."""
        return len(self.header) + np.dtype(self.dtype).itemsize * math.prod(self.shape)

    def write(self, batches: Iterable[np.ndarray], digest: "hashlib._Hash") -> None:
        """Write batches one after the other, durably, and update `digest` with their values.

        They are written in order rather than through a memory map, so that a full disk raises
        OSError instead of killing the process.
        """
        with self.path.open("wb") as file:
            file.write(self.header)
            for batch in batches:
                values = np.ascontiguousarray(batch, dtype=self.dtype).data
                digest.update(values)
                file.write(values)
            file.flush()
            os.fsync(file.fileno())

    def map(self) -> np.ndarray:
        """Return the file memory-mapped; raises ValueError if it holds another array.

        It is mapped copy-on-write, because torch warns about arrays that it may not write to.
        """
        with self.path.open("rb") as file:
            if file.read(len(self.header)) != self.header:
                raise ValueError(f"{self.path.name} does not hold {self.dtype} {self.shape}")
        return np.memmap(self.path, self.dtype, "c", len(self.header), self.shape)


def read_npy(path: Path) -> npt.NDArray[Any]:
    """Return the array of a .npy file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged.
    """
    with _damage_as_value_error():
        array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
        return array


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a .npz file by name.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or holds Python objects.
    """
    with (
        _damage_as_value_error(),
        path.open("rb") as file,
        np.load(file, allow_pickle=False) as npz,
    ):
        arrays = {name: npz[name] for name in npz.files}
        # NumPy returns the raw bytes of a member whose first bytes are damaged.
        damaged = [name for name, value in arrays.items() if isinstance(value, bytes)]
        if damaged:
            raise ValueError(f"{damaged[0]} is not an array")
        return arrays


def read_integers(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return what `read_arrays` returns; raises ValueError too if an array is not of integers."""
    arrays = read_arrays(path)
    for name, value in arrays.items():
        if value.dtype.kind not in "iu":
            raise ValueError(f"{name} is not an array of integers")
    return arrays


@contextmanager
def _damage_as_value_error() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
