"""The .npy files of a cache: written in order, mapped for reading."""

import hashlib
import io
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np


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
    """Write `batches` one after the other, fsynced, and take their values into `digest`.

    The batches must make up `layout`. Written in order rather than through a memory map, so
    that a full disk raises OSError instead of ending the process with SIGBUS.
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
    """Return the file memory-mapped copy-on-write; raises ValueError where it is of another layout.

    Copy-on-write because torch warns of arrays that it may not write to.
    """
    with path.open("rb") as file:
        if file.read(len(layout.header)) != layout.header:
            raise ValueError(f"{path.name} does not hold {layout.descr} {layout.shape}")
    return np.memmap(path, layout.descr, "c", len(layout.header), layout.shape)
