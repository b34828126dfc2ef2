"""Candidates that are too large, and how large a bound would have to be."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from search.errors import UserError
from search.executors import InlineExecutor
from search.recipe import Recipe
from search.tuning.preparing import prepare

Maker = Callable[..., Recipe]


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["max_parameters", "max_multiply_adds"])
@pytest.mark.parametrize("bound", [10, 100])
def test_a_bound_below_all_candidates_names_the_smallest(
    bound: int, limit: str, make_recipe: Maker, listener: Any
) -> None:
    """With that many allowed the search can begin."""
    recipe = make_recipe(**{limit: bound})
    with pytest.raises(UserError, match=f"{limit} {bound}; the ") as caught:
        _ = prepare(recipe, InlineExecutor(), listener).points
    found = re.search(r"([\d,]+) (parameters|multiply-adds)$", str(caught.value))
    assert found is not None
    enough = int(found[1].replace(",", ""))
    assert (
        len(prepare(make_recipe(**{limit: enough}), InlineExecutor(), listener).points)
        == recipe.trials
    )
