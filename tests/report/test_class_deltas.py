"""Gains and losses by class, against a baseline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.class_deltas import ClassDelta, recall_range

_right = st.integers(0, 50)


def _delta(baseline: int, winner: int) -> ClassDelta:
    gain = (winner - baseline) / 50
    return ClassDelta(
        name="cat", n_images=50, baseline_right=baseline, winner_right=winner, gain=gain
    )


@given(st.lists(st.tuples(_right, _right), min_size=1, max_size=5))
def test_an_axis_of_recalls_holds_all_and_ends_near_the_whole(
    pairs: list[tuple[int, int]],
) -> None:
    """Also where all are alike: an axis to 150% would claim what cannot be."""
    low, high = recall_range([_delta(*pair) for pair in pairs])
    values = [one / 50 for pair in pairs for one in pair]
    assert -0.03 < low < min(values)
    assert max(values) < high < 1.01


def test_an_axis_of_one_value_is_narrow() -> None:
    assert recall_range([_delta(50, 50)]) == pytest.approx((0.98, 1.008))
