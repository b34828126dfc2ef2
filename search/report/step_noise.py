"""How much two trainings' scores on the same validation images differ by chance alone."""

import math

from search.report.lead import EVER_MORE, reach_of_chance
from search.report.scoring import image_worth, scored_images
from search.report.seed_spread import seed_spread
from search.training.bootstrap import score_error
from search.tuning.records import StudyRecord, TrialRecord


def noise_between(
    record: StudyRecord, like: TrialRecord, first: float, second: float, among: int = 1
) -> float | None:
    """Return how far apart equally good candidates seldom are, each trained once.

    Seldom is once in 20. Two parts add up by their squares: the images are a sample, and seeds make
    a difference as far as the finalists' further trainings tell. Which images both predict rightly
    is not known, so that the scores are taken to be independent, which is cautious.

    Args:
        record: The study.
        like: A trial whose confusion matrix tells the error of metrics other than accuracy.
        first: A candidate's score.
        second: The other's score.
        among: How many candidates the better one is the best of (Bonferroni).

    Returns:
        The difference, at least one image; None if neither part is known, as for a loss.
    """
    n_images, metric = scored_images(record), record.metric
    errors = [score_error(metric, one, n_images, like.confusion) for one in (first, second)]
    known = [one for one in errors if one is not None]
    seeds = seed_spread(record)
    if len(known) < len(errors) and seeds is None:
        return None
    of_images = math.hypot(*known) if len(known) == len(errors) else 0.0
    of_seeds = 0.0 if seeds is None else math.sqrt(2) * seeds.std
    error = math.hypot(of_images, of_seeds)
    freedom = EVER_MORE
    if seeds is not None:  # only the part of the seeds is an estimate (Welch and Satterthwaite)
        freedom = seeds.freedom * (error / of_seeds) ** 4
    return max(reach_of_chance(error, freedom, among), image_worth(record))
