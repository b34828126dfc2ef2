"""Reads the arrays of an npz file that may be damaged."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.npyio import NpzFile


def integers(arrays: NpzFile, name: str) -> npt.NDArray[Any]:
    """Return the array of integers of that name; raises ValueError where it is none.

    Of a member whose first bytes are damaged NumPy returns the bytes.
    """
    value = arrays[name]
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
        raise ValueError(f"{name} is no array of integers")
    return value
