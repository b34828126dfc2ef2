"""The operating system's failures as the program's own."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from search.errors import MachineError

# What zipfile and NumPy raise on a damaged npy or npz.
DAMAGED_ARRAYS = (
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


@contextmanager
def machine_failures(what: str, remedy: str) -> Iterator[None]:
    """Turn an OSError of the block into a MachineError: what failed, why, and how to go on."""
    try:
        yield
    except OSError as error:
        raise MachineError(f"{what}: {error.strerror or error}; {remedy}") from error
