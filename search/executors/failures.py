"""Failures of a job, described in one line: out of memory, an unwritable disk, others."""

import errno
import re

import torch

from search.errors import describe_error, first_line

# torch's allocator raises plain RuntimeErrors on a CPU. So do CUDA and its libraries if they
# run out of memory before torch's allocator does, as when a process starts on a full GPU.
_MEMORY = re.compile(
    r"DefaultCPUAllocator: (not enough memory|can't allocate memory)"
    r"|CUDA error: out of memory"
    r"|CU(DNN|BLAS)_STATUS_ALLOC_FAILED"
)


_TRIED = re.compile(r"ried to allocate (\d[\d.]* \w+)")  # several lines follow
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def is_unwritable(error: BaseException) -> bool:
    """Return whether the disk is full, read-only or broken."""
    return isinstance(error, OSError) and error.errno in _UNWRITABLE


def describe_failure(error: BaseException) -> str:
    """Return "oom: ..." where the GPU or the machine ran out of memory, else "Type: message".

    "oom" is followed by the size that was requested, if known.
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
