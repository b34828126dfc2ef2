"""Estimates under a timeout: bounded, with the number of trials that start."""

import pytest

from search.tuning.estimate import Estimate
from search.tuning.workload import Range


def estimate(timeout: float | None, low: float = 100.0, high: float = 200.0) -> Estimate:
    return Estimate(
        search=Range(low, high),
        refit=Range(5.0, 10.0),
        longest=20.0,
        n_open=10,
        epochs=400.0,
        measured="warm-up",
        timeout=timeout,
    )


@pytest.mark.parametrize(
    ("timeout", "bounds"),
    [
        (None, (105, 210)),
        (1000.0, (105, 210)),
        (150.0, (105, 180)),
        (50.0, (55, 80)),
    ],
)
def test_a_timeout_bounds_the_estimate(timeout: float | None, bounds: tuple[float, float]) -> None:
    """Search ends by then at the earliest that it can, and a trial later at the latest."""
    assert (estimate(timeout).low, estimate(timeout).high) == bounds


@pytest.mark.parametrize(
    ("timeout", "started"),
    [(None, None), (200.0, None), (150.0, (7, 10)), (50.0, (2, 5)), (1e-6, (1, 1))],
)
def test_it_says_how_many_trials_start(
    timeout: float | None, started: tuple[int, int] | None
) -> None:
    """In proportion, at least one, and nothing where all do in any case."""
    assert estimate(timeout).n_started() == started
