"""Settings of a process that trains, below torch: OpenMP's waiting and the C library's memory."""

import ctypes
import os
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP_BYTES = 1 << 30
_LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc refuses more


def openmp_settings(threads: int) -> dict[str, str]:
    """Return the environment with which OpenMP must start: it is read when torch is imported.

    Waiting threads sleep. Spinning, as is the default, they starve whoever shares the machine,
    one another included: a run of two threads beside a busy process was 12 times slower.
    """
    return {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}


def wait_passively() -> None:
    """Apply OpenMP's waiting policy to this process, unless the user chose one."""
    os.environ.setdefault("OMP_WAIT_POLICY", openmp_settings(1)["OMP_WAIT_POLICY"])


def quiet_resource_tracker() -> None:
    """Keep joblib's resource tracker from warning when a killed run's semaphores are cleared."""
    rule = "ignore::UserWarning:joblib.externals.loky.backend.resource_tracker"
    known = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = f"{known},{rule}" if known else rule


def keep_freed_memory() -> bool:
    """Keep freed blocks for reuse instead of handing each back; returns whether that was possible.

    Training allocates and frees the same large tensors at every step; handed back to the system
    they cost a page fault a page when they are asked for again.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    kept = mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)
    return bool(kept and mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD))
