"""Points drawn from a space: random ones, and those of its grid.

Samplers plan with these. Quick to import, as they are: Optuna, NumPy and spaces are imported where
they are used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, final

from search.checks import describe_value_error
from search.errors import UserError
from search.seeding import derive_seed

if TYPE_CHECKING:
    from spaces import Candidate, Space
    from spaces.parameters import OfflineTrial, ParamValue
    from spaces.prior import Belief

Params: TypeAlias = Mapping[str, "ParamValue"]
"""A point of a space: parameter values by name."""

FindViolation: TypeAlias = Callable[["Candidate"], str | None]
"""Says which constraint a candidate violates; None if it can be trained."""

_MOST_REDRAWS = 1000
_NARROWING = 0.75
_MOST_NARROWINGS = 12
_MOST_GRID_POINTS = 100_000


@final
@dataclass(frozen=True)
class PlanRequest:
    """What a sampler is asked to plan.

    Attributes:
        space: The space to choose from.
        seed: The study's seed; point i depends on (seed, i) only.
        find_violation: Says why a candidate cannot be trained.
        trials: How many trials there will be; None: the sampler's default.
        first: Points to try first: the hand-tuned baseline and the space's portfolio, if any.
        beliefs: How often values that no sampler chooses are drawn; without one: uniformly.
        on_rejected: Told why, for each point that the space rejects, so that it is not tried.
    """

    space: "Space"
    seed: int
    find_violation: FindViolation
    trials: int | None = None
    first: tuple[Params, ...] = ()
    beliefs: "Mapping[str, Belief]" = field(default_factory=dict)
    on_rejected: Callable[[str], None] = lambda _: None


def random_point(request: PlanRequest, index: int) -> Params:
    """Return the random search's point of that index: the first draw that can be trained.

    Raises UserError if none of many draws can.
    """
    reason: str | None = None
    for redraw in range(_MOST_REDRAWS):
        trial = _draw(request, index, redraw)
        try:
            candidate = request.space.suggest(trial)
        except ValueError as error:
            reason = describe_value_error(error)
            request.on_rejected(reason)
            continue
        reason = request.find_violation(candidate)
        if reason is None:
            return trial.params
        if request.beliefs:  # a prior prefers widths that a limit on size may forbid
            point = narrowed(request.space, trial.params, request.find_violation)
            if point is not None:
                return point
    raise UserError(
        f"space {request.space.name}: none of {_MOST_REDRAWS} random candidates can be trained: "
        f"{reason}"
    )


def narrowed(space: "Space", point: Params, find_violation: FindViolation) -> Params | None:
    """Return the point with widths as small as a limit on size demands; None if none is."""
    for _ in range(_MOST_NARROWINGS):
        try:
            if find_violation(space.candidate(point)) is None:
                return point
        except ValueError:  # the space rejects the point, whatever its widths
            return None
        point, wider = space.narrow(point, _NARROWING), point
        if point == wider:
            return None
    return None


def _draw(request: PlanRequest, index: int, redraw: int) -> "OfflineTrial":
    """Return a trial that draws each parameter from (seed, index, redraw, parameter)."""
    import numpy as np

    from spaces.parameters import RandomTrial
    from spaces.prior import InformedTrial

    def generator(name: str) -> np.random.Generator:
        return np.random.default_rng(derive_seed(request.seed, "point", index, redraw, name))

    if not request.beliefs:
        return RandomTrial(generator)
    return InformedTrial(request.beliefs, generator)


def grid_points(
    space: "Space", seed: int, on_rejected: Callable[[str], None] = lambda _: None
) -> list[Params]:
    """Return every grid point that the space accepts once, in an order drawn from the seed."""
    import numpy as np

    visited = list(islice(space.visit_grid(), _MOST_GRID_POINTS + 1))
    if len(visited) > _MOST_GRID_POINTS:
        raise UserError(
            f"space {space.name} has more than {_MOST_GRID_POINTS} grid points: "
            "give it grid_levels with fewer values"
        )
    points = [one.params for one in visited if one.rejected is None]
    reasons = [one.rejected for one in visited if one.rejected is not None]
    for reason in reasons:
        on_rejected(reason)
    order = np.random.default_rng(derive_seed(seed, "grid")).permutation(len(points))
    return [points[i] for i in order]
