"""How long a search will take: a range, from a short warm-up or from the trials that ran."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import joblib
import numpy as np

from search.data.splits import load_folds
from search.recipe import Recipe
from search.tuning.feasibility import Feasibility
from search.tuning.multiply_adds import multiply_adds
from search.tuning.opening import OpenStudy
from search.tuning.outlook import Estimate, Span
from search.tuning.pace import Sized, measure_pace
from search.tuning.points import Params, random_point
from search.tuning.records import TrialRecord
from search.tuning.volume import search_volume

__all__ = ["Estimate", "estimate_time"]

_LOOKED_AT = 60  # candidates of the plan, evenly spread
_CONTENTION = 1.3  # workers side by side share memory and caches: the slower end of the range
_TRIAL_SECONDS = 0.3  # to start and end one


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
    recipe = opened.recipe
    parallel = _parallel(recipe, min(n_workers, n_open * recipe.n_folds))
    trained = [trial for trial in ended if trial.seconds and trial.kind != "failed"]
    if trained:
        estimate: Estimate | None = _by_trials(recipe, trained, n_open, parallel)
    else:
        estimate = _by_warm_up(opened, n_open, parallel)
    return estimate and _within_limits(estimate, recipe)


def _within_limits(estimate: Estimate, recipe: Recipe) -> Estimate:
    longest = min(estimate.longest, recipe.trial_timeout or math.inf)
    return replace(estimate, longest=longest, timeout=recipe.timeout)


def _parallel(recipe: Recipe, n_workers: int) -> tuple[float, float]:
    """Return how many trainings at once take no longer than one does: at least, and at most.

    Of processes that share a GPU nothing is known but that they are no slower than one.
    """
    if recipe.device.startswith("cuda"):
        return 1, n_workers
    at_once = max(min(n_workers, joblib.cpu_count() // recipe.threads), 1)
    return (at_once / _CONTENTION if at_once > 1 else 1), at_once


def _by_trials(
    recipe: Recipe, trained: Sequence[TrialRecord], n_open: int, parallel: tuple[float, float]
) -> Estimate:
    """Return twice the standard error of a sum of further trials around their expected sum."""
    costs, at_once = [trial.seconds for trial in trained], parallel[1]
    mean = statistics.fmean(costs)
    deviation = statistics.stdev(costs) if len(costs) > 1 else mean / 2
    error = 2 * deviation * math.sqrt(n_open * (1 + n_open / len(costs)))
    epochs = sum(trial.fold_epochs for trial in trained)
    total, least = n_open * (mean + _TRIAL_SECONDS), n_open * min(costs)
    return Estimate(  # what the trials cost, they cost side by side
        search=Span(max(total - error, least) / at_once, (total + error) / at_once),
        refit=_refit(recipe, recipe.epochs * sum(costs) / max(epochs, 1)),
        longest=max(costs),
        n_open=n_open,
        epochs=n_open * epochs / len(costs),
        measured="trials",
    )


def _by_warm_up(opened: OpenStudy, n_open: int, parallel: tuple[float, float]) -> Estimate | None:
    training, recipe = _measure(opened), opened.recipe
    if training is None:
        return None
    volume, overhead = search_volume(recipe, n_open), n_open * _TRIAL_SECONDS
    slow, fast = parallel
    alone = training.longest * (1 - 1 / slow)  # the last trial may have the machine for itself
    return Estimate(
        search=Span(
            (volume.low * training.mean + overhead) / fast,
            (volume.high * training.mean + overhead) / slow + alone,
        ),
        refit=_refit(recipe, training.mean),
        longest=training.longest * recipe.n_folds * fast / slow,
        n_open=n_open,
        epochs=(volume.low + volume.high) / 2 * recipe.epochs,
        measured="warm-up",
    )


def _refit(recipe: Recipe, seconds: float) -> Span:
    """Return the least and most that a refit takes, given a training's seconds for all epochs.

    It is of all images, for half to all of the epochs, and has all cores for itself.
    """
    if recipe.as_reported:
        return Span(0.0, 0.0)
    share = recipe.holdout_fraction if recipe.validation == "holdout" else 1 / recipe.folds
    cores = 1 if recipe.device.startswith("cuda") else max(joblib.cpu_count() / recipe.threads, 1)
    whole = seconds / (1 - share)
    return Span(whole / 2 / cores, whole)


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
