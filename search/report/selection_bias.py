"""By how much a score flatters that was chosen as the best of many. Pure."""

import math

import numpy as np
import numpy.typing as npt


def selection_bias(errors: npt.NDArray[np.float64]) -> float:
    """Return the estimated bias of the least mean error, at least 0, in the unit of the errors.

    `errors` is (K, M): what each of K folds says of each of M choices, lower is better. The bias
    is the mean over folds k of e_k(chosen) - e_k(best of fold k), where `chosen` has the least
    mean over folds (Tibshirani and Tibshirani, "A bias correction for the minimum error rate in
    cross-validation", Annals of Applied Statistics 3, 2009); with one fold it is always 0 and
    says nothing.
    """
    chosen = errors.mean(axis=0).argmin()
    return float((errors[:, chosen] - errors.min(axis=1)).mean())


def overstatement(n_folds: int) -> float:
    """Return how many times the true bias the estimate is where all choices are alike.

    With independent normal errors of deviation s, a fold's best of M lies c(M) * s below the
    truth and the mean curve's c(M) * s / sqrt(K): the true bias is the latter, the estimate the
    difference of both, so that their ratio is sqrt(K) - 1.
    """
    return math.sqrt(n_folds) - 1


def greatest_bias(n_choices: int, n_images: int) -> float:
    """Return a bound of the mean bias of an accuracy (a fraction) that was chosen among many.

    It holds however the choices depend on each other and for any rule of choosing, as long as
    none of them was trained on the `n_images`: sqrt(ln M / 2n), from Hoeffding's lemma and the
    maximal inequality (Boucheron, Lugosi, Massart, "Concentration Inequalities", 2013, sections
    2.3 and 2.5).
    """
    return math.sqrt(math.log(n_choices) / (2 * n_images))
