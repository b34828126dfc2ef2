"""Array files: .npy files written in order and memory-mapped, and .npy and .npz files read safely.

Whatever is wrong with a file that is read becomes a ValueError with one reason.
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
class ArrayLayout:
    """What a .npy file (format 1.0, C order) holds; `descr` is NumPy's name of the dtype."""

    descr: str
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        """Return the bytes before the values."""
        buffer = io.BytesIO()
        facts = {"descr": self.descr, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(buffer, facts)
        return buffer.getvalue()

    @property
    def file_bytes(self) -> int:
        """Return the size of the whole file."""
        return len(self.header) + np.dtype(self.descr).itemsize * math.prod(self.shape)


def write_array(
    path: Path, layout: ArrayLayout, batches: Iterable[np.ndarray], digest: "hashlib._Hash"
) -> None:
    """Write batches one after the other, durably, and update `digest` with their values.

    Together the batches must have the layout's shape. They are written in order rather than
    through a memory map, so that a full disk raises OSError instead of killing the process.
    """
    with path.open("wb") as file:
        file.write(layout.header)
        for batch in batches:
            values = np.ascontiguousarray(batch, dtype=layout.descr).data
            digest.update(values)
            file.write(values)
        file.flush()
        os.fsync(file.fileno())


def map_array(path: Path, layout: ArrayLayout) -> np.ndarray:
    """Return the file memory-mapped; raises ValueError if its layout differs.

    It is mapped copy-on-write, because torch warns about arrays that it may not write to.
    """
    with path.open("rb") as file:
        if file.read(len(layout.header)) != layout.header:
            raise ValueError(f"{path.name} does not hold {layout.descr} {layout.shape}")
    return np.memmap(path, layout.descr, "c", len(layout.header), layout.shape)


def read_npy(path: Path) -> npt.NDArray[Any]:
    """Return the array of a .npy file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged.
    """
    with _damage_as_value_error():
        array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
        return array


def read_integers(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a .npz file that holds integers only, by name.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or an array is not of integers.
    """
    with _damage_as_value_error(), path.open("rb") as file, np.load(file, allow_pickle=False) as npz:
        arrays = {name: npz[name] for name in npz.files}
        for name, value in arrays.items():
            # NumPy returns the raw bytes of a member whose first bytes are damaged.
            if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
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
