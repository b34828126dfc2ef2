"""The short form of `python -m tests.chaos kill`."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.chaos.kill import Reference, survive
from tests.chaos.killing import Blow
from tests.chaos.searches import Search

pytestmark = [pytest.mark.chaos, pytest.mark.slow]


def test_a_killed_search_ends_as_an_undisturbed_one(
    reference: Reference, short: Search, tmp_path: Path
) -> None:
    """A worker killed early and a coordinator killed late change nothing and cost little."""
    blows = [
        Blow("worker", reference.epochs // 4, 0.1),
        Blow("coordinator", 2 * reference.epochs // 3, 0.05),
    ]
    search = dataclasses.replace(short, runs_dir=tmp_path / "runs")
    survival = survive(search, reference, blows, np.random.default_rng(0))
    assert survival.problems == ()
    assert (survival.ordeal.workers_killed, survival.ordeal.coordinators_killed) == (1, 1)
    # An epoch may end just before its checkpoint is written. Of a single search that can be more
    # than the share that the long form allows for all of its searches together.
    assert survival.again <= survival.ordeal.cut_short
