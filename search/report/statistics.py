"""Statistics of the report: chance, paired tests, importances, selection bias."""

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, create_trial
from scipy.stats import binomtest, hypergeom

from search.metric import Metric
from search.report.parts import ReportPart

UNLIKELY = 0.05


def at_least(found: int, drawn: int, marked: int, total: int) -> float:
    """Return the chance that `drawn` of `total` trials hold `found` or more of the `marked` ones.

    The trials are drawn without replacement: the upper tail of the hypergeometric distribution,
    which is Fisher's exact test (Fisher, "The Design of Experiments", 1935).
    """
    return float(hypergeom.sf(found - 1, total, marked, drawn))


def as_narrow(places: Sequence[float], drawn: int, width: float) -> float:
    """Return the chance that `drawn` of the places span at most `width`; 1 <= drawn <= N.

    They are drawn without replacement. Exact: each place in turn is the lowest, and the others
    come from those at most `width` above it.
    """
    ordered = sorted(places)
    reach = [bisect_right(ordered, low + width) - i - 1 for i, low in enumerate(ordered)]
    return sum(math.comb(n, drawn - 1) for n in reach) / math.comb(len(ordered), drawn)


_Z = 1.959964  # the normal distribution's 97.5% quantile

Correct = npt.NDArray[np.bool_]


@final
class PairedComparison(ReportPart):
    """Winner (first) against baseline (second), image by image."""

    n_images: int
    """Test images."""
    only_first: int
    """Images that only the winner predicts correctly."""
    only_second: int
    """Images that only the baseline predicts correctly."""
    difference: float
    """The winner's accuracy minus the baseline's, a fraction."""
    interval: tuple[float, float]
    """Its 95% Wald interval for paired proportions."""
    p_value: float
    """McNemar's exact test, two-sided."""


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


N_SHUFFLES = 39


@final
@dataclass(frozen=True)
class PedAnova:
    """The importances of `names` for being among the best `quantile` of the trials.

    Source: Watanabe, Bansal, Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter
    Importance in Arbitrary Subspaces", IJCAI 2023, as Optuna implements it. Optuna looks at
    complete trials only, so all are made so.
    """

    study: optuna.Study
    names: tuple[str, ...]
    quantile: float

    def importances(self, losses: Sequence[float]) -> Mapping[str, float]:
        """Return the raw importance of each name; one loss a trial, in their order."""
        evaluator = PedAnovaImportanceEvaluator(target_quantile=self.quantile)
        with _quiet():
            return evaluator.evaluate(
                self.study, params=list(self.names), target=lambda trial: losses[trial.number]
            )

    def chance_levels(self, losses: Sequence[float], seed: int = 0) -> Mapping[str, float]:
        """Return the raw importance that each name exceeds by chance in one of 40 studies.

        The losses are shuffled among the trials 39 times, so that no parameter matters, and the
        greatest importance of each is returned. This is a permutation test of each parameter by
        itself (Fisher, "The Design of Experiments", 1935): one in 40 that do not matter exceeds it.
        """
        generator = np.random.default_rng(seed)
        shuffles = (generator.permutation(losses).tolist() for _ in range(N_SHUFFLES))
        found = [self.importances(shuffled) for shuffled in shuffles]
        return {name: max(one[name] for one in found) for name in self.names}


def ped_anova(trials: Sequence[FrozenTrial], names: Sequence[str], quantile: float) -> PedAnova:
    """Return the evaluation of these trials' parameters."""
    with _quiet():
        study = optuna.create_study()
        study.add_trials(
            [
                create_trial(value=0.0, params=trial.params, distributions=trial.distributions)
                for trial in trials
            ]
        )
    return PedAnova(study, tuple(names), quantile)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's log, and its warnings of few trials, which the report says itself."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


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


def expected_best(values: Sequence[float], n: int, metric: Metric) -> float:
    """Return the mean, over all ways of drawing `n` of the values, of the best of them.

    1 <= n <= N. It is the unbiased estimate of the expected validation performance of n trials
    (Dodge et al., "Show Your Work", EMNLP 2019, without replacement as Tang et al., "Showing Your
    Work Doesn't Always Work", ACL 2020).
    """
    worst_first = sorted(values, reverse=metric == "loss")
    ways = math.comb(len(values), n)
    # The i-th from the worst, counted from 0, is the best where the others come from below it.
    return sum(math.comb(i, n - 1) / ways * value for i, value in enumerate(worst_first))
