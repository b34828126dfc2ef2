"""The short form of `python -m tests.chaos kill`."""

from pathlib import Path

import numpy as np
import pytest

from tests.chaos.kill import MOST_IN_VAIN, Reference, survive
from tests.chaos.killing import Blow
from tests.chaos.searches import Search

pytestmark = pytest.mark.chaos


def test_a_killed_search_ends_as_an_undisturbed_one(
    reference: Reference, data_dir: Path, tmp_path: Path
) -> None:
    """Workers killed early and late and coordinators in search and refit cost next to nothing."""
    early, late = reference.epochs // 4, 2 * reference.epochs // 3
    blows = [
        Blow("worker", early, 0.1),
        Blow("coordinator", late, 0.05),
        Blow("coordinator", reference.epochs, 0.5),
    ]
    search = Search(tmp_path / "runs", data_dir)
    survival = survive(search, reference, blows, np.random.default_rng(0))
    assert survival.problems == ()
    assert survival.ordeal.workers_killed == 1
    assert survival.ordeal.coordinators_killed >= 1
    assert survival.in_vain() <= MOST_IN_VAIN
