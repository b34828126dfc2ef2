"""How long a search will take: a range, from a short warm-up or from the trials that ran."""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import joblib
import numpy as np

from search.data.splits import load_folds
from search.recipe import Recipe
from search.study.feasibility import Feasibility
from search.study.multiply_adds import multiply_adds
from search.study.opening import OpenStudy
from search.study.pace import Sized, measure_pace
from search.study.plan import Params, random_point
from search.study.records import TrialRecord
from search.study.volume import search_volume

_LOOKED_AT = 60  # candidates of the plan, evenly spread
_CONTENTION = 1.3  # workers side by side share memory and caches: the slower end of the range
_TRIAL_SECONDS = 0.3  # to start and end one


class Estimate(NamedTuple):
    """Seconds until search and refit are done; `measured` says by what: "warm-up" or "trials"."""

    low: float
    high: float
    measured: str


class _Training(NamedTuple):
    """Seconds that one network trains for all epochs: on average, and the longest."""

    mean: float
    longest: float


def estimate_time(
    opened: OpenStudy, ended: Sequence[TrialRecord], n_open: int, n_workers: int
) -> Estimate | None:
    """Return how long a study takes whose `n_open` trials are still to end; None: there is none.

    A study that goes on takes the pace of the trials that it has. Raises RuntimeError where no
    candidate can be trained for a moment.
    """
    if not n_open:
        return None
    parallel = _parallel(opened.recipe, min(n_workers, n_open * opened.recipe.n_folds))
    costs = [trial.seconds for trial in ended if trial.seconds and trial.kind != "failed"]
    if costs:
        return _by_trials(opened.recipe, ended, costs, n_open, parallel)
    return _by_warm_up(opened, n_open, parallel)


def _parallel(recipe: Recipe, n_workers: int) -> tuple[float, float]:
    """Return how many trainings at once take no longer than one does: at least, and at most.

    Of processes that share a GPU nothing is known but that they are no slower than one.
    """
    if recipe.device.startswith("cuda"):
        return 1, n_workers
    at_once = max(min(n_workers, joblib.cpu_count() // recipe.threads), 1)
    return (at_once / _CONTENTION if at_once > 1 else 1), at_once


def _by_trials(
    recipe: Recipe,
    ended: Sequence[TrialRecord],
    costs: Sequence[float],
    n_open: int,
    parallel: tuple[float, float],
) -> Estimate:
    """Return twice the standard error of a sum of further trials around their expected sum."""
    mean = statistics.fmean(costs)
    deviation = statistics.stdev(costs) if len(costs) > 1 else mean / 2
    error = 2 * deviation * math.sqrt(n_open * (1 + n_open / len(costs)))
    epochs = sum(trial.fold_epochs for trial in ended)
    refit = _refit(recipe, recipe.epochs * sum(costs) / max(epochs, 1))
    total, least = n_open * (mean + _TRIAL_SECONDS), n_open * min(costs)
    low, high = max(total - error, least), total + error
    at_once = parallel[1]  # what the trials cost, they cost side by side
    return Estimate(low / at_once + refit[0], high / at_once + refit[1], "trials")


def _by_warm_up(opened: OpenStudy, n_open: int, parallel: tuple[float, float]) -> Estimate | None:
    training = _measure(opened)
    if training is None:
        return None
    volume, overhead = search_volume(opened.recipe, n_open), n_open * _TRIAL_SECONDS
    refit = _refit(opened.recipe, training.mean)
    slow, fast = parallel
    alone = training.longest * (1 - 1 / slow)  # the last trial may have the machine for itself
    return Estimate(
        low=(volume.low * training.mean + overhead) / fast + refit[0],
        high=(volume.high * training.mean + overhead) / slow + alone + refit[1],
        measured="warm-up",
    )


def _refit(recipe: Recipe, seconds: float) -> tuple[float, float]:
    """Return the least and most that a refit takes, given a training's seconds for all epochs.

    It is of all images, for half to all of the epochs, and has all cores for itself.
    """
    if recipe.as_reported:
        return 0.0, 0.0
    share = recipe.holdout_fraction if recipe.validation == "holdout" else 1 / recipe.folds
    cores = 1 if recipe.device.startswith("cuda") else max(joblib.cpu_count() / recipe.threads, 1)
    whole = seconds / (1 - share)
    return whole / 2 / cores, whole


def _measure(opened: OpenStudy) -> _Training | None:
    """Return what the plan's candidates take; None where none of them can be trained."""
    sized = list(_sized(opened))
    if not sized:
        return None
    fold = load_folds(opened.paths.folds, opened.folds_hash)[0]
    pace = measure_pace(opened, fold, sized)
    images = len(fold.train) * opened.recipe.epochs
    seconds = [images * pace.seconds(one.multiply_adds) for one in sized]
    return _Training(statistics.fmean(seconds), max(seconds))


def _sized(opened: OpenStudy) -> Iterator[Sized]:
    feasible = Feasibility(opened.dataset, opened.recipe.max_parameters)
    classes = len(opened.dataset.class_names)
    for point in _points(opened, feasible):
        try:
            candidate = opened.space.candidate(point)
            if feasible(candidate) is None:
                count = multiply_adds(candidate.model, opened.dataset.image_shape, classes)
                yield Sized(count, candidate)
        except ValueError:  # as the search will find, and say
            continue


def _points(opened: OpenStudy, feasible: Feasibility) -> Iterator[Params]:
    """Yield points of the plan; for TPE, which asks as it goes, its baseline and random ones."""
    points = opened.points
    if points and opened.recipe.sampler != "tpe":
        places = np.linspace(0, len(points) - 1, min(len(points), _LOOKED_AT)).round()
        yield from (points[int(place)] for place in places)
        return
    yield from points
    for plan in range(len(points), min(opened.recipe.trials or 0, _LOOKED_AT)):
        yield random_point(opened.space, opened.recipe.seed, plan, feasible)
