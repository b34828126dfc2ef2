"""A study's validation score and test accuracy, with how sure they are. Pure."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from search.report.trials import scored_trials, trial_score
from search.text import plural
from search.tuning.records import StudyRecord


class Estimate(NamedTuple):
    """A figure and how sure it is.

    A mean over several has its standard deviation `std`, and `over` says of what ("5 folds": of
    the population, as trials store it; "3 trainings": of the sample, n - 1). A single test
    accuracy has its 95% Wilson `interval`.
    """

    value: float
    std: float | None = None
    over: str = ""
    interval: tuple[float, float] | None = None


def score_estimate(record: StudyRecord) -> Estimate | None:
    """Return the best trial's score, or the mean of a baseline study's several trainings."""
    winner = record.winner()
    best = None if winner is None else trial_score(winner)
    if winner is None or best is None:
        return None
    if not record.recipe.protocol.is_search and len(record.complete()) > 1:
        return _over_trainings([score for _, score in scored_trials(record)])
    n_folds = len(winner.fold_scores)
    return Estimate(best, winner.std, plural(n_folds, "fold")) if n_folds > 1 else Estimate(best)


def accuracy_estimate(record: StudyRecord) -> Estimate | None:
    """Return the test accuracy, of several trainings tested as they are their mean."""
    if record.test is None:
        return None
    if len(record.repeats) > 1:
        return _over_trainings([repeat.accuracy for repeat in record.repeats])
    return Estimate(record.test.accuracy, interval=record.test.interval)


def _over_trainings(values: Sequence[float]) -> Estimate:
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    return Estimate(mean, deviation, plural(len(values), "training"))
