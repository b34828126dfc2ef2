"""The points that a search visits: drawn, enumerated, or asked of an adaptive sampler."""

import math
import warnings
from collections.abc import Callable, Mapping
from itertools import islice
from typing import final

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import ValidationError

from search.errors import UserError
from search.recipe import Recipe
from search.seeding import derive_seed
from search.settings import describe_errors
from spaces import Candidate, Space
from spaces.ranges import OfflineTrial, ParamValue

DEFAULT_TRIALS = 20
_MOST_REDRAWS = 1000
_MOST_GRID_POINTS = 100_000

Params = Mapping[str, ParamValue]
Objection = Callable[[Candidate], str | None]


@final
class _Draw(OfflineTrial):
    """Draws each parameter from a hash of (seed, plan index, redraw, parameter)."""

    def __init__(self, seed: int, plan: int, redraw: int) -> None:
        super().__init__()
        self._path = (seed, "point", plan, redraw)

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        """Return a value drawn uniformly on the distribution's own scale."""
        return draw(distribution, np.random.default_rng(derive_seed(*self._path, name)))


def draw(distribution: BaseDistribution, rng: np.random.Generator) -> ParamValue:
    """Return a value of the distribution: uniform, log-uniform or on a lattice, as it says."""
    match distribution:
        case CategoricalDistribution():
            return distribution.choices[int(rng.integers(len(distribution.choices)))]
        case IntDistribution(log=True):
            low, high = math.log(distribution.low - 0.5), math.log(distribution.high + 0.5)
            value = round(math.exp(rng.uniform(low, high)))
            return min(max(value, distribution.low), distribution.high)
        case IntDistribution():
            steps = (distribution.high - distribution.low) // distribution.step
            return distribution.low + distribution.step * int(rng.integers(steps + 1))
        case FloatDistribution(step=float() as step):
            steps = round((distribution.high - distribution.low) / step)
            return distribution.low + step * int(rng.integers(steps + 1))
        case FloatDistribution(log=True):
            low, high = math.log(distribution.low), math.log(distribution.high)
            return min(max(math.exp(rng.uniform(low, high)), distribution.low), distribution.high)
        case FloatDistribution():
            return float(rng.uniform(distribution.low, distribution.high))
    raise TypeError(f"distribution {distribution!r} cannot be drawn from")


def planned_points(recipe: Recipe, space: Space, objection: Objection) -> list[Params]:
    """Return the study's points by plan index; for TPE the baseline only, as the rest is asked.

    `objection` says why a candidate cannot be trained, or None; random points that meet one are
    drawn anew, grid points are kept. Raises UserError where there is no point to visit.
    """
    if recipe.sampler == "baseline":
        return _repeated_baseline(space, recipe.trials or 1)
    baseline = [space.baseline_params] if recipe.with_baseline and space.baseline_params else []
    if recipe.sampler == "tpe":
        return list(baseline[: recipe.trials])
    if recipe.sampler == "grid":
        points = baseline + [p for p in grid_points(space, recipe.seed) if p not in baseline]
        return points[: recipe.trials]
    count = DEFAULT_TRIALS if recipe.trials is None else recipe.trials
    drawn = (random_point(space, recipe.seed, i, objection) for i in range(len(baseline), count))
    return [*baseline[:count], *drawn]


def _repeated_baseline(space: Space, repeats: int) -> list[Params]:
    if space.baseline_params is None:
        raise UserError(f"space {space.name} has no baseline_params, so no baseline to train")
    return [space.baseline_params] * repeats


def random_point(space: Space, seed: int, plan: int, objection: Objection) -> Params:
    """Return point `plan` of the random search, the first draw without an objection."""
    reason: str | None = None
    for redraw in range(_MOST_REDRAWS):
        trial = _Draw(seed, plan, redraw)
        reason = objection_to(space, trial, objection)
        if reason is None:
            return trial.params
    raise UserError(
        f"space {space.name}: none of {_MOST_REDRAWS} random candidates can be trained: {reason}"
    )


def objection_to(space: Space, trial: OfflineTrial, objection: Objection) -> str | None:
    """Return why what the space suggests to the trial cannot be trained, or None."""
    try:
        return objection(space.suggest(trial))
    except ValidationError as error:
        return describe_errors(error)
    except ValueError as error:
        return str(error)


def grid_points(space: Space, seed: int) -> list[Params]:
    """Return every grid point once, in an order drawn from the seed."""
    points = list(islice(space.grid(), _MOST_GRID_POINTS + 1))
    if len(points) > _MOST_GRID_POINTS:
        raise UserError(
            f"space {space.name} has more than {_MOST_GRID_POINTS} grid points: "
            "give it grid_levels with fewer values"
        )
    order = np.random.default_rng(derive_seed(seed, "grid")).permutation(len(points))
    return [points[i] for i in order]


def tpe_sampler(seed: int) -> optuna.samplers.TPESampler:
    """Return TPE that keeps conditional parameters together."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, group=True)
