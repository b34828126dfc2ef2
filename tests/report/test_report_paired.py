"""Two models compared image by image."""

import numpy as np
import pytest

from search.report.paired import Correct, compare_paired


def _right(both: int, only_first: int, only_second: int, neither: int) -> tuple[Correct, Correct]:
    first = [True] * (both + only_first) + [False] * (only_second + neither)
    second = [True] * both + [False] * only_first + [True] * only_second + [False] * neither
    return np.array(first), np.array(second)


def test_figures_by_hand() -> None:
    """Ten against two of a hundred: McNemar's binomial tail, worked out."""
    compared = compare_paired(*_right(60, 10, 2, 28))
    assert (compared.n_images, compared.only_first, compared.only_second) == (100, 10, 2)
    assert compared.difference == pytest.approx(0.08)
    assert compared.p_value == pytest.approx(2 * (1 + 12 + 66) / 2**12)


@pytest.mark.parametrize(
    ("cells", "interval"),
    [
        ((36, 12, 2, 0), (0.0569, 0.3404)),
        ((20, 12, 2, 16), (0.0562, 0.3290)),
        ((54, 0, 0, 0), (-0.0664, 0.0664)),
    ],
)
def test_published_intervals(cells: tuple[int, int, int, int], interval: tuple[float, ...]) -> None:
    """The worked examples of Newcombe, 1998, method 10; perfect agreement is Wilson's."""
    low, high = compare_paired(*_right(*cells)).interval
    assert (low, high) == pytest.approx(interval, abs=5e-4)


def test_the_other_way_round_is_the_mirror_image() -> None:
    """Neither model is favoured by its place."""
    first, second = _right(60, 10, 2, 28)
    one, other = compare_paired(first, second), compare_paired(second, first)
    assert other.difference == -one.difference
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))
    assert other.p_value == one.p_value


def test_models_that_never_disagree() -> None:
    """Without a disagreement no difference is seen, which does not prove that there is none."""
    compared = compare_paired(*_right(3, 0, 0, 4))
    assert (compared.difference, compared.p_value) == (0.0, 1.0)
    low, high = compared.interval
    assert low == -high
    assert high > 0.1  # seven images do not prove equality


def test_an_even_split_is_no_evidence() -> None:
    """As many images on either side give a p-value of one, whatever their number."""
    assert compare_paired(*_right(0, 5, 5, 0)).p_value == 1.0
