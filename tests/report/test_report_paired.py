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


# Cells: both right, only the first, only the second, neither; with the interval as printed.
_PUBLISHED = [
    # Newcombe, Statistics in Medicine 17 (1998) 2635-2650, table III, method 10.
    pytest.param((36, 12, 2, 0), (0.0569, 0.3404), 5e-5, id="newcombe-1998-negative-correlation"),
    pytest.param((54, 0, 0, 0), (-0.0664, 0.0664), 5e-5, id="newcombe-1998-never-differ"),
    pytest.param((0, 29, 1, 0), (0.6666, 0.9882), 5e-5, id="newcombe-1998-always-differ"),
    # Altman et al., "Statistics with Confidence", 2nd ed. (2000), table 6.2.
    pytest.param((14, 5, 0, 22), (0.011, 0.226), 5e-4, id="altman-2000"),
    # Cavo et al. (2012), by Newcombe_square_and_add_CI_paired_2x2 of R's contingencytables.
    pytest.param((59, 6, 16, 80), (-0.1186, -0.0046), 5e-5, id="contingencytables-cavo-2012"),
]


@pytest.mark.parametrize(("cells", "interval", "rounding"), _PUBLISHED)
def test_published_intervals(
    cells: tuple[int, int, int, int], interval: tuple[float, float], rounding: float
) -> None:
    """Worked examples of the literature and of another implementation, to the printed digits."""
    low, high = compare_paired(*_right(*cells)).interval
    assert (low, high) == pytest.approx(interval, abs=rounding)


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
