"""Where a search starts: the baseline, then candidates that are known to be good."""

from dataclasses import replace

import pytest

from cifar_models import CNNConfig
from search.errors import UserError
from search.tuning.points import planned_points
from spaces import BUILT_IN, Candidate
from tests.fakes import make_recipe

_CNN = BUILT_IN["cnn"]


def _accept(candidate: Candidate) -> str | None:
    return None


@pytest.mark.parametrize(
    ("start", "count"),
    [("portfolio", 1 + len(_CNN.portfolio)), ("baseline", 1), ("none", 0)],
)
def test_what_comes_first_is_chosen(start: str, count: int) -> None:
    """After it the same points are drawn, each from its index."""
    recipe = make_recipe(space="cnn", trials=12, start=start, with_baseline=start != "none")
    points, n_first = planned_points(recipe, _CNN, _accept, 40_000)
    expected = (_CNN.baseline_params, *_CNN.portfolio)[:count]
    assert (points[:count], n_first) == (expected, count)
    plain = make_recipe(space="cnn", trials=12, start="none", with_baseline=False)
    assert points[count:] == planned_points(plain, _CNN, _accept, 40_000).points[count:]


def test_the_portfolio_is_narrowed_to_what_may_be_trained() -> None:
    """A limit on the size leaves each of its candidates, with fewer channels."""

    def find_violation(candidate: Candidate) -> str | None:
        assert isinstance(candidate.model, CNNConfig)
        return "too wide" if candidate.model.channels[0] > 24 else None

    recipe = make_recipe(space="cnn", trials=7, start="portfolio", with_baseline=False)
    points = planned_points(recipe, _CNN, find_violation, 40_000).points
    widths = [point["base_width"] for point in points[: len(_CNN.portfolio) - 1]]
    assert all(isinstance(width, int) and 16 <= width <= 27 for width in widths)


def test_random_points_are_narrowed_where_the_prior_prefers_wide_ones() -> None:
    """One draw is enough, where redrawing would rarely meet the limit."""
    checked: list[int] = []

    def find_violation(candidate: Candidate) -> str | None:
        assert isinstance(candidate.model, CNNConfig)
        checked.append(candidate.model.channels[0])
        return "too wide" if candidate.model.channels[0] > 16 else None

    recipe = make_recipe(space="cnn", trials=20, start="none", with_baseline=False, prior="on")
    points = planned_points(recipe, _CNN, find_violation, 40_000).points
    assert len(points) == 20
    assert len(checked) <= 20 * 9


def test_small_datasets_get_small_batches() -> None:
    """With 700 images no batch of the portfolio exceeds 35."""
    recipe = make_recipe(space="cnn", trials=7, start="portfolio", with_baseline=False)
    points = planned_points(recipe, _CNN, _accept, 700).points
    assert {point["batch_size"] for point in points[:5]} == {32}


def test_earlier_points_come_before_the_portfolio() -> None:
    """And are not tried twice."""
    earlier = (_CNN.portfolio[2], _CNN.baseline_params or {})
    recipe = make_recipe(space="cnn", trials=4, start="portfolio")
    points = planned_points(recipe, _CNN, _accept, 40_000, earlier).points
    assert points == (_CNN.baseline_params, *(_CNN.portfolio[i] for i in (2, 0, 1)))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"base_width": 3000}, "parameter 'base_width' must be 16 to 128"),
        ({"depth": 3}, "parameter 'depth' is never suggested"),
    ],
)
def test_a_wrong_point_of_a_portfolio_is_located(change: dict[str, int], fault: str) -> None:
    """By the space, the point's number and the parameter."""
    first, second, *_ = _CNN.portfolio
    space = replace(_CNN, portfolio=(first, {**second, **change}))
    recipe = make_recipe(space="cnn", trials=4, start="portfolio")
    with pytest.raises(UserError, match=f"space cnn: point 2 of its portfolio .*{fault}"):
        planned_points(recipe, space, _accept, 40_000)
