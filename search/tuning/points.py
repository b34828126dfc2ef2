"""Points of a space: drawn at random, or enumerated as a grid."""

import math
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TypeAlias, final

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial
from pydantic import ValidationError

from search.checks import describe_errors
from search.errors import UserError
from search.seeding import derive_seed
from spaces import Candidate, Space
from spaces.parameters import OfflineTrial, ParamValue

_MOST_REDRAWS = 1000
_MOST_GRID_POINTS = 100_000

Params: TypeAlias = Mapping[str, ParamValue]
"""A point of a space: parameter values by name."""

FindViolation: TypeAlias = Callable[[Candidate], str | None]
"""Says which constraint a candidate violates; None where it can be trained."""


@final
class _Draw(OfflineTrial):
    """Draws each parameter from a hash of (seed, index, redraw, parameter)."""

    def __init__(self, seed: int, index: int, redraw: int) -> None:
        super().__init__()
        self._path = (seed, "point", index, redraw)

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


def random_point(space: Space, seed: int, index: int, find_violation: FindViolation) -> Params:
    """Return the random search's point of that index: the first draw that can be trained.

    Raises UserError where none of many draws can.
    """
    reason: str | None = None
    for redraw in range(_MOST_REDRAWS):
        trial = _Draw(seed, index, redraw)
        reason = violation_of(space, trial, find_violation)
        if reason is None:
            return trial.params
    raise UserError(
        f"space {space.name}: none of {_MOST_REDRAWS} random candidates can be trained: {reason}"
    )


def violation_of(space: Space, trial: BaseTrial, find_violation: FindViolation) -> str | None:
    """Return why the candidate that the space suggests to the trial cannot be trained, or None."""
    try:
        return find_violation(space.suggest(trial))
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
