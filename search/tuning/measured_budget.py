"""Measures how fast candidates train here, and plans a study's time budget by it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import joblib
import optuna

from search.data.dataset import DatasetInfo
from search.data.splits import Fold
from search.executors.base import Executor
from search.executors.probes import Price, WarmUp
from search.recipe import Recipe
from search.tuning.budget import (
    DEFAULT_SECONDS,
    Budget,
    BudgetRequest,
    closing_seconds,
    plan_budget,
)
from search.tuning.drawn_points import PlanRequest, random_point
from search.tuning.feasibility import Feasibility
from search.tuning.points import beliefs_of, starting_points
from search.tuning.samplers import get_sampler
from search.tuning.trying_out import check_families
from search.tuning.workload import (
    early_pruner,
    search_workload,
    training_settings,
    trainings_at_once,
)
from spaces import Candidate, Space
from spaces.families import FamilySource

_MOST_TRIALS = 500
_N_SAMPLES = 40  # candidates that stand for all of the search
_CONTENTION = 1.15  # workers at a time slow each other down
_VALIDATION_SHARE = 0.35  # seconds of validating an image by those of training on it
_PRUNED_IN_VAIN = 0.1  # of what a perfect pruner would save


def make_budget(
    recipe: Recipe,
    given: frozenset[str],
    space: Space,
    dataset: DatasetInfo,
    fold: Fold,
    executor: Executor,
    started: float,
) -> Budget | None:
    """Return how a limited time is spent; None if there is no limit.

    Args:
        recipe: A resolved recipe, with the `unsaid_budget` if the user said nothing of its length.
        given: The settings that the user gave.
        space: Its space.
        dataset: Its dataset.
        fold: One of its folds.
        executor: Measures how fast candidates train.
        started: When the command started, on the monotonic clock.

    Raises:
        UserCodeError: A network of the user's cannot be trained.
    """
    seconds = recipe.budget
    if seconds is None:
        return None
    feasibility = Feasibility.of(recipe, dataset)
    with feasibility.naming_the_smallest():
        drawing = _drawing(recipe, space, feasibility, len(fold.train))
        candidates = tuple(_first_candidates(drawing))
    tried = (_reference(space) or candidates[0], *candidates)
    check_families(recipe, space, dataset, candidates)  # the warm-up would fail without a word
    warm_up = make_warm_up(recipe, dataset, fold, tried, space.family_source)
    measured = _measure(recipe, executor, warm_up)
    closing = closing_seconds(dataset.n_test, measured.prices)
    ratio = _refit_ratio(recipe, dataset, fold, measured.refit_speed)
    left = seconds - (time.monotonic() - started) - closing
    request = BudgetRequest(
        seconds=max(left, 1.0),
        prices=measured.prices,
        reference_size=measured.reference_size,
        images=len(fold.train),
        parallel=_parallel(recipe, elsewhere=executor.is_elsewhere),
        refit_ratio=ratio,
        epochs=recipe.epochs if "epochs" in given else None,
        most_trials=get_sampler(recipe.sampler).n_points(drawing, _most_trials(recipe, given)),
        workload=lambda epochs, trials, pruner: _workload(recipe, epochs, trials, pruner),
        pruner=_pruner_of_few(recipe, given),
        pruner_of_many=_pruner_of_many(recipe, given),
        first_size=measured.reference_size if _tries_reference(recipe, space) else 0,
        n_narrowed=_n_narrowed(drawing, len(candidates)),
    )
    plan = plan_budget(request)
    further = plan_budget(replace(request, seconds=4 * seconds))
    return Budget(
        seconds=seconds,
        started=started,
        closing_seconds=closing,
        refit_ratio=ratio,
        plan=plan,
        further=further,
        most_trials=request.most_trials,
        by_default="budget" not in given,
        is_short=plan.search_seconds + plan.refit_seconds > left,
    )


def make_warm_up(
    recipe: Recipe,
    dataset: DatasetInfo,
    fold: Fold,
    candidates: Sequence[Candidate],
    families: FamilySource | None,
) -> WarmUp:
    """Return the job that measures how fast candidates train."""
    return WarmUp(
        candidates=tuple(candidate.model_dump_json() for candidate in candidates),
        families=families,
        dataset=dataset,
        n_train=len(fold.train),
        n_validation=len(fold.validation),
        study_seed=recipe.seed,
        settings=training_settings(recipe),
        threads=recipe.threads,
    )


LENGTHS = frozenset({"trials", "epochs", "timeout", "budget"})
"""The settings by which a user says how long a search is."""


def unsaid_budget(recipe: Recipe, resumed: optuna.Study | None) -> float | None:
    """Return the seconds that a search is limited to if the user says nothing of its length.

    Args:
        recipe: A resolved recipe.
        resumed: The study that it resumes, if any, which keeps its budget; it counts anew.
    """
    if resumed is not None:
        seconds: float | None = resumed.user_attrs.get("recipe", {}).get("budget")
        return seconds
    return DEFAULT_SECONDS if get_sampler(recipe.sampler).explores else None


def _pruner_of_many(recipe: Recipe, given: frozenset[str]) -> str | None:
    return None if "pruner" in given else early_pruner(recipe, _most_trials(recipe, given))


def _pruner_of_few(recipe: Recipe, given: frozenset[str]) -> str:
    """Return the pruner of courses with few trials, or the one that the user wants."""
    sampler = get_sampler(recipe.sampler)
    if "pruner" in given or recipe.pruner != sampler.pruner_of_many:
        return recipe.pruner
    return sampler.default_pruner if "epochs" in given else "none"


def _most_trials(recipe: Recipe, given: frozenset[str]) -> int:
    if recipe.trials is not None and ("trials" in given or "budget" not in given):
        return recipe.trials
    return _MOST_TRIALS


def _drawing(recipe: Recipe, space: Space, feasible: Feasibility, n_train: int) -> PlanRequest:
    """Return how points are drawn of the space, and which come first."""
    first = starting_points(recipe, space, feasible, n_train)
    beliefs = beliefs_of(recipe, space, n_train)
    return PlanRequest(space, recipe.seed, feasible, first=tuple(first), beliefs=beliefs)


def _first_candidates(drawing: PlanRequest) -> Iterator[Candidate]:
    """Yield the first candidates of a random search, those of other samplers being unknown."""
    first = drawing.first
    for index in range(max(_N_SAMPLES, len(first))):
        point = first[index] if index < len(first) else random_point(drawing, index)
        yield drawing.space.candidate(point)


def _n_narrowed(drawing: PlanRequest, n_candidates: int) -> int:
    """Return how many of the first candidates become smaller where they are too large."""
    if not drawing.space.widths:
        return 0
    return n_candidates if drawing.beliefs else len(drawing.first)


def _reference(space: Space) -> Candidate | None:
    """Return the hand-tuned candidate, or else the best of the portfolio, if there is one."""
    baseline = space.baseline()
    if baseline is None and space.portfolio:
        return space.candidate(space.portfolio[0])
    return baseline


def _tries_reference(recipe: Recipe, space: Space) -> bool:
    return recipe.with_baseline and space.baseline() is not None


def _parallel(recipe: Recipe, *, elsewhere: bool) -> float:
    if recipe.device.startswith("cuda"):
        return 1.0  # how much processes that share a GPU slow each other down is unknown
    at_once = trainings_at_once(recipe, recipe.workers, elsewhere=elsewhere)
    return at_once / _CONTENTION if at_once > 1 else 1.0


class _Measured(NamedTuple):
    """How fast networks train.

    Attributes:
        reference_size: Multiply-adds of the reference.
        prices: Those of the other candidates.
        refit_speed: How much faster a refit trains than a trial, as it computes with all cores.
    """

    reference_size: int
    prices: tuple[Price, ...]
    refit_speed: float


def _measure(recipe: Recipe, executor: Executor, warm_up: WarmUp) -> _Measured:
    """Return how fast candidates train, the first of which is the reference.

    The candidate that is tried first after the hand-tuned one is measured by itself. If it is
    slower than others of its size, all are taken to be: the portfolio's convolutional networks
    take 1.2 times as long as the prior's, on two cores, for what is not a multiply-add. By the same
    candidate is measured what further threads gain, which depends on the network: with portfolios
    on two cores, 10 to 25% of a residual network's speed, 20 to 65% of a plain one's.
    """
    reference, *prices = executor.run(warm_up)
    place = min(1, len(prices) - 1)
    alone = replace(warm_up, candidates=(warm_up.candidates[1 + place],))
    (typical,) = executor.run(alone)
    slower = max(typical.image_seconds / prices[place].image_seconds, 1.0)
    threads, speed = joblib.cpu_count(), 1.0
    if not recipe.device.startswith("cuda") and threads > recipe.threads:
        (fast,) = executor.run(replace(alone, threads=threads))
        speed = max(typical.image_seconds / fast.image_seconds, 1.0)
    return _Measured(
        reference_size=reference.multiply_adds,
        prices=tuple(Price(one.multiply_adds, slower * one.image_seconds) for one in prices),
        refit_speed=speed,
    )


def _refit_ratio(recipe: Recipe, dataset: DatasetInfo, fold: Fold, speed: float) -> float:
    """Return the seconds of a refit's epoch by those of a trial's on one fold.

    An ensemble is refitted one network after another.
    """
    images = len(fold.train) + _VALIDATION_SHARE * len(fold.validation)
    networks = recipe.ensemble or 1
    return networks * dataset.n_train / images / speed


def _workload(recipe: Recipe, epochs: int, trials: int, pruner: str) -> float:
    """Return how many whole trainings of one fold the trials come to; finalists have more time."""
    changes = {"epochs": epochs, "pruner": pruner, "finalists": None}
    expected = search_workload(recipe.model_copy(update=changes), trials)
    return expected.low + _PRUNED_IN_VAIN * (expected.high - expected.low)
