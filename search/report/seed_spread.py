"""How much a score differs between trainings of one candidate with different seeds."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple, final

from search.report.scoring import image_worth
from search.tuning.records import StudyRecord


@final
class SeedSpread(NamedTuple):
    """The standard deviation of a candidate's score over seeds, as repeated trainings tell it.

    All candidates are taken to scatter alike: a few repeats of each say little by themselves, and
    those of one may be equal by chance.
    """

    std: float
    """The deviation, at least what one validation image is worth."""
    measured: float
    """The deviation as measured, which may be less."""
    freedom: int
    """Degrees of freedom that it was estimated with."""


def pooled_spread(repeats: Sequence[Sequence[float | None]], least: float) -> SeedSpread | None:
    """Return the spread of seeds, pooled over candidates; None if nothing is known of it.

    Args:
        repeats: The scores of each candidate's repeats; None where one diverged.
        least: What it is at least: equal scores are only equal to within a validation image. 0 if
            the metric has no such step.
    """
    known = [[one for one in scores if one is not None] for scores in repeats]
    several = [scores for scores in known if len(scores) > 1]
    freedom = sum(len(scores) - 1 for scores in several)
    if not freedom:
        return None
    squares = sum((len(scores) - 1) * statistics.variance(scores) for scores in several)
    measured = math.sqrt(squares / freedom)
    std = max(measured, least)
    return SeedSpread(std, measured, freedom) if std > 0 else None


def seed_spread(record: StudyRecord) -> SeedSpread | None:
    """Return the spread of seeds over a study's finalists; None if it is not known."""
    repeats = [one.scores for one in record.current_finalists()]
    return pooled_spread(repeats, image_worth(record))
