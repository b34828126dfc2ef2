"""How long a search will take: a range, from a short warm-up or from the trials so far."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

import joblib
import numpy as np

from search.data.splits import load_folds
from search.executors.base import Executor
from search.executors.probes import Price
from search.recipe import Recipe
from search.tuning.budget import FULL_EPOCHS, Budget
from search.tuning.drawn_points import Params, PlanRequest, random_point
from search.tuning.feasibility import Feasibility
from search.tuning.measured_budget import make_warm_up
from search.tuning.opening import OpenStudy
from search.tuning.points import beliefs_of
from search.tuning.records import TrialRecord
from search.tuning.samplers import get_sampler
from search.tuning.workload import Range, search_workload, trainings_at_once
from spaces import Candidate

_MOST_MEASURED = 60  # candidates
_CONTENTION = 1.3  # parallel workers share memory and caches: the slower end of the range
_TRIAL_SECONDS = 0.3  # to start and end one


@final
@dataclass(frozen=True)
class Estimate:
    """How long search and refit take, in seconds.

    Attributes:
        search: What all open trials would take.
        refit: What the refit takes.
        longest: The most that one trial takes.
        n_open: How many trials are still to end.
        epochs: How many epochs they train, counting those of every fold.
        measured: What it is based on: a "warm-up", or the "trials" so far.
        timeout: After how many seconds no trial starts; None: never.
        within: In how many seconds search and refit end, as the refit is only as long as a budget
            has time for; None: there is no budget.
    """

    search: Range
    refit: Range
    longest: float
    n_open: int
    epochs: float
    measured: str
    timeout: float | None = None
    within: float | None = None

    @property
    def low(self) -> float:
        """Return the least seconds of search and refit, within the timeout and the budget."""
        return self.capped(min(self.search.low, self._limit) + self.refit.low)

    @property
    def high(self) -> float:
        """Return the most: trials that are training when the time is up are finished."""
        return self.capped(min(self.search.high, self._limit + self.longest) + self.refit.high)

    def capped(self, seconds: float) -> float:
        """Return the seconds of search and refit, which a budget ends."""
        return seconds if self.within is None else min(seconds, self.within)

    def n_started(self) -> tuple[int, int] | None:
        """Return how many trials start in time, at least and at most; None: probably all."""
        if self.search.high <= self._limit:
            return None
        shares = (self._limit / max(seconds, self._limit) for seconds in reversed(self.search))
        low, high = (self.n_open * share for share in shares)
        return max(math.floor(low), 1), max(math.ceil(high), 1)

    @property
    def _limit(self) -> float:
        return math.inf if self.timeout is None else self.timeout


def estimate_time(
    opened: OpenStudy,
    ended: Sequence[TrialRecord],
    n_open: int,
    executor: Executor,
    budget: Budget | None = None,
) -> Estimate | None:
    """Return how long the `n_open` remaining trials of a study take; None if it is unknown.

    A resumed study is judged by the trials it has, another one by the prices that its budget was
    planned by, or by a warm-up. Raises RuntimeError if no candidate can be trained.
    """
    if not n_open:
        return None
    recipe = opened.recipe
    n_workers = min(executor.slots, n_open * recipe.n_folds)
    parallel = _parallel(recipe, n_workers, elsewhere=executor.is_elsewhere)
    trained = [trial for trial in ended if trial.seconds and trial.kind != "failed"]
    if trained:
        estimate = _from_trials(recipe, trained, n_open, parallel)
    else:
        prices = () if budget is None else budget.plan.prices
        seconds = _warm_up(opened, executor, prices)
        if not seconds:
            return None
        estimate = _from_warm_up(recipe, seconds, n_open, parallel)
    longest = min(estimate.longest, recipe.trial_timeout or math.inf)
    estimate = replace(estimate, longest=longest, timeout=recipe.timeout)
    if budget is None or budget.is_short or recipe.refit_epochs is not None:
        return estimate
    longer = max(FULL_EPOCHS / recipe.epochs, 1.0)
    refit = Range(longer * estimate.refit.low, longer * estimate.refit.high)
    return replace(estimate, refit=refit, within=budget.seconds_left())


def _parallel(recipe: Recipe, n_workers: int, *, elsewhere: bool) -> Range:
    """Return how many trainings at once take no longer than a single one.

    How much processes that share a GPU slow each other down is unknown. Workers that are
    `elsewhere` share nothing, unless some of them are on one machine.
    """
    if recipe.device.startswith("cuda"):
        return Range(1, n_workers)
    at_once = trainings_at_once(recipe, n_workers, elsewhere=elsewhere)
    return Range(at_once / _CONTENTION if at_once > 1 else 1, at_once)


def _from_trials(
    recipe: Recipe, trained: Sequence[TrialRecord], n_open: int, parallel: Range
) -> Estimate:
    """Return twice the standard error of a sum of further trials around their expected sum."""
    costs = [trial.seconds for trial in trained]
    mean = statistics.fmean(costs)
    deviation = statistics.stdev(costs) if len(costs) > 1 else mean / 2
    error = 2 * deviation * math.sqrt(n_open * (1 + n_open / len(costs)))
    epochs = sum(trial.fold_epochs for trial in trained)
    total, least = n_open * (mean + _TRIAL_SECONDS), n_open * min(costs)
    at_once = parallel.high  # as the trials so far were measured in parallel
    return Estimate(
        search=Range(max(total - error, least) / at_once, (total + error) / at_once),
        refit=_refit(recipe, recipe.epochs * sum(costs) / max(epochs, 1)),
        longest=max(costs),
        n_open=n_open,
        epochs=n_open * epochs / len(costs),
        measured="trials",
    )


def _from_warm_up(
    recipe: Recipe, seconds: Sequence[float], n_open: int, parallel: Range
) -> Estimate:
    """Return the estimate, given the seconds that some candidates train for on one fold."""
    mean, longest = statistics.fmean(seconds), max(seconds)
    workload, overhead = search_workload(recipe, n_open), n_open * _TRIAL_SECONDS
    slow, fast = parallel
    alone = longest * (1 - 1 / slow)  # the last trial may run by itself
    return Estimate(
        search=Range(
            (workload.low * mean + overhead) / fast,
            (workload.high * mean + overhead) / slow + alone,
        ),
        refit=_refit(recipe, mean),
        longest=longest * recipe.n_folds * fast / slow,
        n_open=n_open,
        epochs=workload.middle * recipe.epochs,
        measured="warm-up",
    )


def _refit(recipe: Recipe, seconds: float) -> Range:
    """Return what a refit takes, given the seconds of a training for all epochs.

    It trains on all images, for half to all of the epochs, with all cores; the networks of an
    ensemble one after another.
    """
    if not recipe.protocol.refits:
        return Range(0.0, 0.0)
    cores = 1 if recipe.device.startswith("cuda") else max(joblib.cpu_count() / recipe.threads, 1)
    whole = (
        (recipe.ensemble or 1)
        * seconds
        / (1 - recipe.validation_share)
        * (recipe.refit_epochs or recipe.epochs)
        / recipe.epochs
    )
    return Range(whole / 2 / cores, whole)


def refit_epoch_seconds(
    opened: OpenStudy, candidates: Sequence[Candidate], executor: Executor
) -> float:
    """Return what an epoch of the refits of these candidates takes with all cores, added up.

    It is measured, as what further threads gain depends on the network.
    """
    recipe, dataset = opened.recipe, opened.dataset
    fold = load_folds(opened.paths.folds, opened.folds_hash)[0]
    source = opened.space.family_source
    warm_up = make_warm_up(recipe, dataset, fold, tuple(candidates), source)
    threads = recipe.threads if recipe.device.startswith("cuda") else joblib.cpu_count()
    prices = executor.run(replace(warm_up, threads=threads))
    return sum(dataset.n_train * one.image_seconds for one in prices)


def _warm_up(opened: OpenStudy, executor: Executor, prices: Sequence[Price]) -> list[float]:
    """Return how many seconds candidates of the plan, or of its space, train for on one fold."""
    fold = load_folds(opened.paths.folds, opened.folds_hash)[0]
    images = len(fold.train) * opened.recipe.epochs
    if prices:
        return [images * one.image_seconds for one in prices]
    candidates = tuple(_feasible_candidates(opened))
    if not candidates:
        return []
    source = opened.space.family_source
    warm_up = make_warm_up(opened.recipe, opened.dataset, fold, candidates, source)
    return [images * one.image_seconds for one in executor.run(warm_up)]


def _feasible_candidates(opened: OpenStudy) -> Iterator[Candidate]:
    feasible = Feasibility.of(opened.recipe, opened.dataset)
    for point in preview_points(opened, _MOST_MEASURED):
        try:
            candidate = opened.space.candidate(point)
            if feasible(candidate) is None:
                yield candidate
        except ValueError:  # the search will find out, and say so
            continue


def preview_points(opened: OpenStudy, most: int) -> Iterator[Params]:
    """Yield points of the plan, evenly spread; random ones if an adaptive sampler has none."""
    points, recipe = opened.points, opened.recipe
    for place in np.linspace(0, len(points) - 1, min(len(points), most)).round():
        yield points[int(place)]
    if get_sampler(recipe.sampler).adaptive:
        feasible = Feasibility.of(recipe, opened.dataset)
        beliefs = beliefs_of(recipe, opened.space, opened.dataset.n_train)
        request = PlanRequest(opened.space, recipe.seed, feasible, beliefs=beliefs)
        for index in range(len(points), most):
            yield random_point(request, index)
