"""Failures of a job: of which kind they are, and their description in one line.

A training can fail by its candidate, or by the machine: its files cannot be read or written. The
latter is no failure of the trial.
"""

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import torch

from search.errors import MachineError, causes, describe_error, first_line

# torch's allocator raises plain RuntimeErrors on a CPU. So do CUDA and its libraries if they
# run out of memory before torch's allocator does, as when a process starts on a full GPU.
_MEMORY = re.compile(
    r"DefaultCPUAllocator: (not enough memory|can't allocate memory)"
    r"|CUDA error: out of memory"
    r"|CU(DNN|BLAS)_STATUS_ALLOC_FAILED"
)


_TRIED = re.compile(r"ried to allocate (\d[\d.]* \w+)")  # several lines follow

FailureKind: TypeAlias = Literal["failed", "fault", "outage"]
"""Of which kind a failure is.

Attributes:
    failed: Of the training itself, such as its candidate's.
    fault: Of the machine, and it lasts: a full disk, a missing permission, a damaged file.
    outage: Of the machine, and it may pass: files are out of reach, as when a network disk is away.
"""

# Wherever they happen, these are the machine's.
_LASTING = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE)
_PASSING_NAMES = (
    "EIO", "ESTALE", "EREMOTEIO", "ENOLINK", "ENODEV", "ENXIO", "ENOTCONN", "ESHUTDOWN",
    "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENETRESET",
    "ECONNRESET", "ECONNABORTED",
)  # fmt: skip
_PASSING = tuple(getattr(errno, one) for one in _PASSING_NAMES if hasattr(errno, one))
# These only are where they happen to the program's own files, not to those that a network reads.
_OWN_LASTING = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR)
_OWN_PASSING = (errno.ENOENT,)


def kind_of_failure(error: BaseException, own: Sequence[Path]) -> FailureKind:
    """Return of which kind a failure is, given the program's own files and folders.

    A MachineError is as its cause is; without one, the machine's files are damaged.
    """
    found = [one for one in causes(error) if isinstance(one, OSError)]
    if isinstance(error, MachineError):
        kinds = [_kind(one, own=True) for one in found]
        return "outage" if "outage" in kinds else "fault"
    return _kind(found[0], own=_is_own(found[0], own)) if found else "failed"


def _kind(error: OSError, *, own: bool) -> FailureKind:
    if error.errno in _PASSING or (own and error.errno in _OWN_PASSING):
        return "outage"
    if error.errno in _LASTING or (own and error.errno in _OWN_LASTING):
        return "fault"
    return "failed"


def _is_own(error: OSError, own: Sequence[Path]) -> bool:
    """Return whether it is of a file that is one of these, or in one of these folders."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return False
    file = Path(os.fsdecode(error.filename)).absolute()
    return any(file.is_relative_to(folder.absolute()) for folder in own)


def describe_failure(error: BaseException) -> str:
    """Return "oom: ..." where the GPU or the machine ran out of memory, else "Type: message".

    "oom" is followed by the size that was requested, if known. A MachineError is its message.
    """
    if isinstance(error, MachineError):
        return str(error)
    if _is_out_of_memory(error):
        line = first_line(error)
        tried = _TRIED.search(line)
        return f"oom: could not allocate {tried[1]}" if tried else f"oom: {line}"
    return describe_error(error)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(_MEMORY.search(str(error)))
