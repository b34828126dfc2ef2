"""How many candidates of a study were prepared, not drawn.

A newer study stores that. Of an older one it is found out by its trials' parameters.
"""

from collections.abc import Mapping
from typing import Any

from search.recipe import Recipe
from spaces import BUILT_IN


def count_prepared(recipe: Recipe, n_first: int, params: Mapping[int, Mapping[str, Any]]) -> int:
    """Return with how many prepared candidates the trials of a plan begin.

    Args:
        recipe: The study's resolved recipe.
        n_first: As many the plan was made with at most; 0 if that is not stored.
        params: The parameters of every index of the plan that has a trial.
    """
    baseline = int(recipe.with_baseline)
    n_known = n_first or baseline + _of_portfolio(recipe, params, baseline)
    return min(max(n_known, baseline), 1 + max(params, default=-1))


def _of_portfolio(recipe: Recipe, params: Mapping[int, Mapping[str, Any]], baseline: int) -> int:
    """Return how many indices after the baseline are up to the last point of the portfolio.

    Such points get a batch size and widths that suit the data, and values within the recipe's own
    ranges, so those are not compared. The portfolio of a user's own space is not known.
    """
    space = BUILT_IN.get(recipe.space)
    if recipe.start != "portfolio" or space is None:
        return 0
    ranged = (one.partition("=")[0].strip() for one in recipe.set or ())
    adapted = {"batch_size", *space.widths, *ranged}
    known = [_without(point, adapted) for point in space.portfolio]
    last = baseline + len(known)
    found = (
        plan
        for plan, point in params.items()
        if baseline <= plan < last and _without(point, adapted) in known
    )
    return max(found, default=baseline - 1) + 1 - baseline


def _without(point: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in point.items() if name not in names}
