"""Two models compared image by image."""

import math

import numpy as np
import pytest

from search.report.paired import Correct, compare_paired


def _right(both: int, only_first: int, only_second: int, neither: int) -> tuple[Correct, Correct]:
    first = [True] * (both + only_first) + [False] * (only_second + neither)
    second = [True] * both + [False] * only_first + [True] * only_second + [False] * neither
    return np.array(first), np.array(second)


def test_figures_by_hand() -> None:
    """Ten against two of a hundred: McNemar's binomial tail and Wald's interval, worked out."""
    compared = compare_paired(*_right(60, 10, 2, 28))
    assert (compared.n_images, compared.only_first, compared.only_second) == (100, 10, 2)
    assert compared.difference == pytest.approx(0.08)
    assert compared.p_value == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    half = 1.959964 * math.sqrt(12 - 8**2 / 100) / 100
    assert compared.interval == pytest.approx((0.08 - half, 0.08 + half))


def test_the_other_way_round_is_the_mirror_image() -> None:
    """Neither model is favoured by its place."""
    first, second = _right(60, 10, 2, 28)
    one, other = compare_paired(first, second), compare_paired(second, first)
    assert other.difference == -one.difference
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))
    assert other.p_value == one.p_value


def test_models_that_never_disagree() -> None:
    """Without a disagreement there is no difference, and nothing speaks against equality."""
    compared = compare_paired(*_right(3, 0, 0, 4))
    assert (compared.difference, compared.interval, compared.p_value) == (0.0, (0.0, 0.0), 1.0)


def test_an_even_split_is_no_evidence() -> None:
    """As many images on either side give a p-value of one, whatever their number."""
    assert compare_paired(*_right(0, 5, 5, 0)).p_value == 1.0
