"""The points that a study knows beforehand: where it starts, and what its sampler plans."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, final

from search.checks import describe_value_error
from search.errors import UserError
from search.paths import RunPaths
from search.recipe import Recipe
from search.tuning.drawn_points import FindViolation, Params, PlanRequest, narrowed
from search.tuning.samplers import get_sampler
from search.tuning.storage import open_existing
from search.tuning.store import find_study, read_study
from spaces import Space
from spaces.prior import Belief

_N_EARLIER = 8  # points of another study


@final
class PlannedPoints(NamedTuple):
    """The points that are known beforehand.

    Attributes:
        points: All of them, in the order of the plan.
        n_first: How many at most are known to be good, from the first: the baseline, points of
            another study, the portfolio.
    """

    points: tuple[Params, ...]
    n_first: int


def planned_points(
    recipe: Recipe,
    space: Space,
    find_violation: FindViolation,
    n_train: int,
    earlier: Sequence[Params] = (),
    on_rejected: Callable[[str], None] = lambda _: None,
) -> PlannedPoints:
    """Return the points that are known beforehand.

    Args:
        recipe: A resolved recipe.
        space: Its space.
        find_violation: Says why a candidate cannot be trained.
        n_train: Images that a trial trains on.
        earlier: Points that were good in another study.
        on_rejected: Told why, for each point that the space rejects, so that it is not tried.

    Raises:
        UserError: There is no point to try, or the space does not accept one.
    """
    first = starting_points(recipe, space, find_violation, n_train, earlier)
    request = PlanRequest(
        space=space,
        seed=recipe.seed,
        find_violation=find_violation,
        trials=recipe.trials,
        first=tuple(first),
        beliefs=beliefs_of(recipe, space, n_train),
        on_rejected=on_rejected,
    )
    sampler = get_sampler(recipe.sampler)
    points = sampler.points(request)
    if not points and not sampler.adaptive:
        raise UserError(
            f"space {space.name} rejects every point that sampler {sampler.name!r} would try"
        )
    for index, point in enumerate(points):
        check_point(space, f"point {index} of the plan", point)
    return PlannedPoints(tuple(points), len(first))


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


def starting_points(
    recipe: Recipe,
    space: Space,
    find_violation: FindViolation,
    n_train: int,
    earlier: Sequence[Params] = (),
) -> list[Params]:
    """Return the baseline, then earlier points and the portfolio's, those that can be trained.

    Arguments are those of `planned_points`.
    """
    points: list[Params] = []
    if recipe.with_baseline and space.baseline_params is not None:
        points.append(space.baseline_params)
    portfolio = space.portfolio if recipe.start == "portfolio" else ()
    for number, params in enumerate(portfolio, 1):
        check_point(space, f"point {number} of its portfolio", params)
    for params in (*earlier, *portfolio):
        point = narrowed(space, space.fit_batch_size(params, n_train), find_violation)
        if point is not None and point not in points:
            points.append(point)
    return points


def check_point(space: Space, place: str, point: Params) -> None:
    """Raise UserError, naming place, parameter, value and range, if the space refuses a point."""
    try:
        space.candidate(point)
    except ValueError as error:
        raise UserError(
            f"space {space.name}: {place} is refused: {describe_value_error(error)}"
        ) from error


def earlier_points(recipe: Recipe, space: Space) -> tuple[Params, ...]:
    """Return the best points of the study that the recipe starts from, which its space has.

    Raises UserError if there is no such study, or it has no such point.
    """
    name, database = recipe.start_from, RunPaths(recipe.runs_dir, recipe.study_name).database
    if name is None:
        return ()
    storage = open_existing(recipe.storage, database)
    if storage is None:
        raise UserError(f"start_from: there is no study {name!r}, as there is none yet")
    study = find_study(storage, name)
    if study is None:
        names = ", ".join(sorted(one.study_name for one in storage.get_all_studies()))
        raise UserError(f"start_from: there is no study {name!r}; accepted: {names}")
    params = [trial.params for trial in read_study(study).complete()]
    if not params:
        raise UserError(f"start_from: study {name!r} has no complete trial to start from")
    points = [one for one in params if _has_point(space, one)]
    if not points:
        raise UserError(
            f"start_from: no complete trial of study {name!r} has parameters that space "
            f"{space.name!r} accepts"
        )
    return tuple(points[:_N_EARLIER])


def _has_point(space: Space, params: Params) -> bool:
    try:
        space.candidate(params)
    except ValueError:
        return False
    return True
