"""The points that a study knows beforehand: where it starts, and what its sampler plans."""

from collections.abc import Iterator

from search.checks import describe_value_error
from search.errors import UserError
from search.recipe import Recipe
from search.tuning.samplers import FindViolation, Params, PlanRequest, get_sampler
from spaces import Space
from spaces.prior import Belief


def planned_points(
    recipe: Recipe, space: Space, find_violation: FindViolation, n_train: int
) -> list[Params]:
    """Return the points that are known beforehand, in the order of the plan.

    Args:
        recipe: A resolved recipe.
        space: Its space.
        find_violation: Says why a candidate cannot be trained.
        n_train: Images that a trial trains on.

    Raises:
        UserError: There is no point to try, or the space does not accept one.
    """
    request = PlanRequest(
        space=space,
        seed=recipe.seed,
        find_violation=find_violation,
        trials=recipe.trials,
        first=tuple(_starting_points(recipe, space, find_violation, n_train)),
        beliefs=beliefs_of(recipe, space, n_train),
    )
    points = get_sampler(recipe.sampler).points(request)
    for index, point in enumerate(points):
        check_point(space, index, point)
    return points


def beliefs_of(recipe: Recipe, space: Space, n_train: int) -> dict[str, Belief]:
    """Return how often random search draws values of parameters; without one: uniformly.

    Args:
        recipe: A resolved recipe.
        space: Its space.
        n_train: Images that a trial trains on.
    """
    if recipe.prior != "on" or space.prior is None:
        return {}
    return space.prior.for_images(n_train)


def _starting_points(
    recipe: Recipe, space: Space, find_violation: FindViolation, n_train: int
) -> Iterator[Params]:
    """Yield the baseline, then the portfolio's candidates that can be trained."""
    if recipe.with_baseline and space.baseline_params is not None:
        yield space.baseline_params
    if recipe.start == "portfolio":
        fitted = (space.fit_batch_size(point, n_train) for point in space.portfolio)
        yield from (one for one in fitted if find_violation(space.candidate(one)) is None)


def check_point(space: Space, index: int, point: Params) -> None:
    """Raise UserError, naming parameter, value and range, if the space refuses a point."""
    try:
        space.candidate(point)
    except ValueError as error:
        raise UserError(
            f"space {space.name}: point {index} of the plan is refused: "
            f"{describe_value_error(error)}"
        ) from error
