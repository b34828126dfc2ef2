"""Failures of a job in one line: memory that was too small, a disk that takes no more, the rest."""

import errno
import re

import torch

from search.errors import describe_error, first_line

# torch's allocators raise plain RuntimeErrors on a CPU; CUDA itself and its libraries do, when they
# and not torch's allocator meet the end of the memory, as while a process starts on a full GPU.
_MEMORY = re.compile(
    r"DefaultCPUAllocator: (not enough memory|can't allocate memory)"
    r"|CUDA error: out of memory"
    r"|CU(DNN|BLAS)_STATUS_ALLOC_FAILED"
)


_TRIED = re.compile(r"ried to allocate (\d[\d.]* \w+)")  # what follows fills several lines
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def is_unwritable(error: BaseException) -> bool:
    """Return whether the disk is full, read-only or broken."""
    return isinstance(error, OSError) and error.errno in _UNWRITABLE


def describe_failure(error: BaseException) -> str:
    """Return "oom: ..." where memory, a GPU's or the machine's, was too small; else "Type: ...".

    What follows is how much was asked for, or else the first line of the error's message.
    """
    if _is_out_of_memory(error):
        line = first_line(error)
        tried = _TRIED.search(line)
        return f"oom: could not allocate {tried[1]}" if tried else f"oom: {line}"
    return describe_error(error)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(_MEMORY.search(str(error)))
