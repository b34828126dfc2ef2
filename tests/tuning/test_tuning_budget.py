"""Budgets: what fits is planned, more time never buys less, and little time still plans a trial."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.executors.probes import Price
from search.tuning.budget import (
    COURSES,
    ENOUGH_TRIALS,
    REFIT_SHARE,
    BudgetRequest,
    plan_budget,
)

_PRICES = tuple(Price(10**6 * n, n / 1000) for n in (10, *range(1, 201, 3)))


def _request(seconds: float, most_trials: int = 200, epochs: int | None = None) -> BudgetRequest:
    return BudgetRequest(
        seconds=seconds,
        prices=_PRICES,
        images=1000,
        parallel=2.0,
        refit_ratio=0.7,
        epochs=epochs,
        most_trials=most_trials,
        workload=lambda _epochs, trials: 0.3 * trials,
    )


@given(seconds=st.floats(600, 1e6))
def test_a_plan_fits_its_budget(seconds: float) -> None:
    """Search and refit together, the refit in its share, with enough trials."""
    plan = plan_budget(_request(seconds))
    assert plan.search_seconds + plan.refit_seconds <= seconds
    assert plan.refit_seconds <= REFIT_SHARE * seconds
    assert plan.trials >= ENOUGH_TRIALS


@given(st.lists(st.floats(60, 1e6), min_size=2, max_size=2))
def test_more_time_buys_a_course_as_rich(pair: list[float]) -> None:
    """Epochs and sizes never fall with a larger budget."""
    less, more = (plan_budget(_request(seconds)) for seconds in sorted(pair))
    assert less.epochs <= more.epochs
    assert (less.max_multiply_adds or math.inf) <= (more.max_multiply_adds or math.inf)


def test_courses_grow() -> None:
    """Each asks for as many epochs and as large networks as the one before, and more of one."""
    for poorer, richer in itertools.pairwise(COURSES):
        assert poorer.epochs <= richer.epochs
        assert poorer.size <= richer.size
        assert poorer != richer


def test_a_tiny_budget_plans_the_poorest_course() -> None:
    """Even where nothing fits, one trial is planned."""
    plan = plan_budget(_request(1.0))
    assert (plan.epochs, plan.trials) == (COURSES[0].epochs, 1)


@pytest.mark.parametrize("most", [1, 5, 11])
def test_no_more_trials_than_allowed(most: int) -> None:
    """Then time goes into epochs and sizes."""
    plan = plan_budget(_request(1e6, most_trials=most))
    assert plan.trials == most
    assert (plan.epochs, plan.max_multiply_adds) == (15, None)


@pytest.mark.parametrize("most", [1, 3, 17, 40])
def test_given_epochs_are_kept(most: int) -> None:
    """Time then buys larger networks and trials."""
    poor, rich = (plan_budget(_request(seconds, epochs=most)) for seconds in (600, 1e6))
    assert poor.epochs == rich.epochs == most
    assert rich.max_multiply_adds is None
    assert poor.max_multiply_adds is not None or most < 10
