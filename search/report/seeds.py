"""Does a network beat several trainings of another by more than seeds differ?"""

import math
import statistics
from collections.abc import Sequence
from typing import final

from scipy.stats import t as student

from search.metric import ACCURACY
from search.report.finding import ReportPart
from search.text import chance, probability, score, spread


@final
class SeedComparison(ReportPart):
    """The winner's network against all trainings of the baseline, by test accuracy."""

    trainings: int
    """Trainings of the baseline, each with its own seed."""
    mean: float
    """Their mean test accuracy, a fraction."""
    std: float
    """Their sample standard deviation (n - 1)."""
    difference: float
    """The winner's test accuracy minus the mean."""
    p_value: float
    """How often one more training of the baseline would be at least that far from the mean:
    Student's t for a single new value, two-sided (Crawford and Howell, 1998)."""
    probability: float
    """Probability that the winner, trained again, would beat the baseline, trained again, if its
    seeds scatter like the baseline's (probability of outperforming, Bouthillier et al., 2021)."""

    def words(self) -> str:
        """The comparison in sentences."""
        side = "above" if self.difference >= 0 else "below"
        return (
            f"Over seeds: the baseline’s {self.trainings} trainings reach "
            f"{score(self.mean, ACCURACY)} on average (standard deviation "
            f"{spread(self.std, ACCURACY)}). The winner’s network is "
            f"{spread(abs(self.difference), ACCURACY)} {side} that. One more training of the "
            f"baseline would be as far from its mean with {probability(self.p_value)} (Student’s "
            "t). If the winner’s seeds scatter alike, it would beat the baseline in "
            f"{chance(self.probability)} of pairs of new trainings (probability of "
            "outperforming, Bouthillier et al., 2021)."
        )


def compare_seeds(single: float, trainings: Sequence[float]) -> SeedComparison | None:
    """Compare one training with at least two of another network; None if they do not scatter.

    Both figures are predictive: they count in that mean and deviation are estimates from a few
    trainings. With n trainings of mean m and sample deviation s, Student's t with n - 1 degrees of
    freedom is taken at (single - m) / (s * sqrt(1 + 1/n)) for the p-value, and, because both
    networks get new seeds, at (single - m) / (s * sqrt(3 + 1/n)) for the probability.

    Equal results of all trainings do not mean that there is no scatter: accuracies are rounded to
    whole images.
    """
    n = len(trainings)
    if n < 2:
        return None
    mean, std = statistics.fmean(trainings), statistics.stdev(trainings)
    if std == 0:
        return None
    away = (single - mean) / std
    return SeedComparison(
        trainings=n,
        mean=mean,
        std=std,
        difference=single - mean,
        p_value=float(2 * student.sf(abs(away) / math.sqrt(1 + 1 / n), n - 1)),
        probability=float(student.cdf(away / math.sqrt(3 + 1 / n), n - 1)),
    )
