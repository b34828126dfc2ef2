"""The operating system's failures as the program's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from search.errors import MachineError


@contextmanager
def machine_failures(what: str, remedy: str) -> Iterator[None]:
    """Turn an OSError of the block into a MachineError: what failed, why, and how to go on."""
    try:
        yield
    except OSError as error:
        raise MachineError(f"{what}: {error.strerror or error}; {remedy}") from error
