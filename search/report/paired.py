"""Two models on the same test images, compared image by image. Pure."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

_Z = 1.959964  # the normal distribution's 97.5% quantile

Correct = npt.NDArray[np.bool_]


class PairedComparison(NamedTuple):
    """The first model against the second on `n_images` images.

    `only_first` and `only_second` count the images that one of them alone gets right. `difference`
    is that of the accuracies (a fraction, first minus second) with its 95% `interval`, `p_value`
    that of McNemar's test.
    """

    n_images: int
    only_first: int
    only_second: int
    difference: float
    interval: tuple[float, float]
    p_value: float


def compare_paired(first: Correct, second: Correct) -> PairedComparison:
    """Compare two models by which images each gets right, bool (N,) in the same order, N >= 1.

    The interval is Wald's for the difference of paired proportions, without a continuity
    correction (Fleiss, Levin, Paik, "Statistical Methods for Rates and Proportions", 3rd ed.,
    2003, chapter 13). The p-value is two-sided and exact: of the images on which the models
    disagree, each is equally likely to favour either (McNemar, Psychometrika 12, 1947).
    """
    n = len(first)
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    disagreements, surplus = only_first + only_second, only_first - only_second
    difference = surplus / n
    half = _Z * math.sqrt(disagreements - surplus**2 / n) / n
    return PairedComparison(
        n_images=n,
        only_first=only_first,
        only_second=only_second,
        difference=difference,
        interval=(difference - half, difference + half),
        p_value=float(binomtest(only_first, disagreements).pvalue) if disagreements else 1.0,
    )
