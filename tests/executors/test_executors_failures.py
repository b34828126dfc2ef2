"""A failure becomes one line, and out-of-memory errors are recognised."""

import numpy as np
import pytest
import torch

from search.executors.failures import describe_failure

MEMORY_ERRORS = [
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    MemoryError("no room"),
]
OTHER_ERRORS = [
    (ValueError("first\nsecond"), "ValueError: first"),
    (RuntimeError("size mismatch"), "RuntimeError: size mismatch"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
    (ValueError("CUDA error: out of memory"), "ValueError: CUDA error: out of memory"),
]


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (
            torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "
                "23.5 GiB of which 31.00 MiB is free. Process 7 has 20 GiB memory in use.\nmore"
            ),
            "2.00 GiB",
        ),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:81] data. DefaultCPUAllocator: not enough memory: "
                "you tried to allocate 1073741824 bytes.\nmore"
            ),
            "1073741824 bytes",
        ),
    ],
)
def test_what_was_asked_for_is_said_shortly(error: Exception, asked: str) -> None:
    """The allocator's own words fill several lines of a terminal."""
    assert describe_failure(error) == f"oom: could not allocate {asked}"


@pytest.mark.parametrize("error", MEMORY_ERRORS, ids=str)
def test_too_little_memory_is_named(error: Exception) -> None:
    """Errors of torch, CUDA and Python about memory read "oom: " and their first line."""
    assert describe_failure(error) == f"oom: {str(error).splitlines()[0]}"


def test_errors_that_are_really_raised_are_known() -> None:
    """What torch and NumPy raise here for a tensor of a petabyte is out of memory."""
    with pytest.raises(RuntimeError) as torch_error:
        torch.empty(10**15)
    with pytest.raises(MemoryError) as numpy_error:
        np.empty(10**15)
    for error in (torch_error.value, numpy_error.value):
        text = describe_failure(error)
        assert text.startswith("oom: ")
        assert "allocate" in text


def test_an_empty_memory_error_still_says_what_it_is() -> None:
    """Python raises MemoryError without a message."""
    assert describe_failure(MemoryError()) == "oom: MemoryError"


@pytest.mark.parametrize(("error", "expected"), OTHER_ERRORS)
def test_other_failures_are_type_and_first_line(error: BaseException, expected: str) -> None:
    """Everything else is named by its type, an unlucky message notwithstanding."""
    assert describe_failure(error) == expected
