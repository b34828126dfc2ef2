"""How many workers share a GPU."""

import pytest

from search.study.resolve import GIB, gpu_workers

SPLIT = GIB // 8


@pytest.mark.parametrize(
    ("free", "networks", "cores", "expected"),
    [
        (80 * GIB, 1, 16, 16),  # cores end first
        (8 * GIB, 1, 16, 3),
        (80 * GIB, 5, 16, 13),
        (8 * GIB, 5, 16, 1),
        (2 * (2 * GIB + SPLIT), 1, 16, 2),  # exactly enough for two
        (2 * (2 * GIB + SPLIT) - 1, 1, 16, 1),
    ],
)
def test_memory_or_cores_bound_the_workers(
    free: int, networks: int, cores: int, expected: int
) -> None:
    """As many as the free memory holds, but no more than there are cores."""
    assert gpu_workers(free, SPLIT, networks, cores) == expected


@pytest.mark.parametrize(("free", "cores"), [(0, 16), (GIB, 16), (80 * GIB, 0)])
def test_one_worker_at_least(free: int, cores: int) -> None:
    """On a full GPU, or with more threads a worker than cores, one worker tries."""
    assert gpu_workers(free, SPLIT, 1, cores) == 1
