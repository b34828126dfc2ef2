"""The arithmetic of the benchmarks, without a benchmark."""

from pathlib import Path

import pytest

from tests.benchmarks.checks import Bound, Check
from tests.benchmarks.memory import own_bytes
from tests.benchmarks.startup import epoch_seconds
from tests.benchmarks.workers import scaling

SMAPS = """\
55d0c0000000-55d0c0001000 r--p 00000000 08:01 131 /usr/bin/python3.11
Private_Clean:         4 kB
Private_Dirty:         8 kB
7f0000000000-7f0009000000 rw-p 00000080 08:01 132 /data/cache/x/train_images.npy
Private_Clean:      9000 kB
Private_Dirty:        16 kB
7f1000000000-7f1000001000 rw-p 00000000 00:00 0
Private_Clean:         0 kB
Private_Dirty:        32 kB
Shared_Dirty:        100 kB
"""


def test_own_memory_leaves_out_the_shared_dataset_but_not_its_copied_pages() -> None:
    """Clean pages under the dataset's folder are shared, written ones are the process's own."""
    assert own_bytes(SMAPS, Path("/data")) == 1024 * (4 + 8 + 16 + 32)
    assert own_bytes(SMAPS, Path("/other")) == 1024 * (4 + 8 + 9000 + 16 + 32)


def test_scaling_compares_pairs() -> None:
    """Each process does the same work, so equal times mean W times the throughput."""
    assert scaling([2.0, 3.0], [2.0, 4.0], 2) == (2.0, 1.5)


def test_epoch_seconds_adds_the_folds() -> None:
    """A line holds one object a fold; folds of a trial train in turn."""
    assert epoch_seconds('[{"seconds": 1.5}, {"seconds": 2.0}]') == 3.5


@pytest.mark.parametrize(
    ("kind", "figure", "verdict"), [("<=", 2.0, "kept"), ("<=", 1.9, "MISSED"), (">=", 2.0, "kept")]
)
def test_a_bound_is_for_the_median(kind: str, figure: float, verdict: str) -> None:
    """One repeat out of line decides nothing, and a figure on its bound keeps it."""
    bound = Bound("<=" if kind == "<=" else ">=", figure)
    assert Check("x", "s", (1.0, 2.0, 9.0), bound).verdict == verdict
