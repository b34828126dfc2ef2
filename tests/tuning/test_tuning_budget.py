"""Budgets: what fits is planned, more time never buys less, and little time still plans a trial."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.executors.probes import Price
from search.tuning.budget import (
    COMPARED_EPOCHS,
    COURSES,
    ENOUGH_TRIALS,
    REFIT_SHARE,
    SHORT_EPOCHS,
    BudgetRequest,
    plan_budget,
)
from search.tuning.samplers import ENOUGH_TO_COMPARE

_PRICES = tuple(Price(10**6 * n, n / 1000) for n in (10, *range(1, 201, 3)))


def _request(
    seconds: float, most_trials: int = 200, epochs: int | None = None, early: str | None = None
) -> BudgetRequest:
    return BudgetRequest(
        seconds=seconds,
        prices=_PRICES,
        reference_size=10**7,
        images=1000,
        parallel=2.0,
        refit_ratio=0.7,
        epochs=epochs,
        most_trials=most_trials,
        workload=lambda _epochs, trials, pruner: trials * (0.3 if pruner == "none" else 0.2),
        pruner_of_many=early,
    )


@given(seconds=st.floats(600, 1e6))
def test_a_plan_fits_its_budget(seconds: float) -> None:
    """Search and refit together, the refit in its share, with enough trials."""
    plan = plan_budget(_request(seconds))
    assert plan.search_seconds + plan.refit_seconds <= seconds
    assert plan.refit_seconds <= REFIT_SHARE * seconds
    assert plan.trials >= ENOUGH_TRIALS


@given(st.lists(st.floats(60, 1e6), min_size=2, max_size=2), st.sampled_from([None, "asha"]))
def test_more_time_buys_a_course_as_rich(pair: list[float], early: str | None) -> None:
    """Epochs never fall with a larger budget, nor do sizes for as many epochs."""
    less, more = (plan_budget(_request(seconds, early=early)) for seconds in sorted(pair))
    assert less.epochs <= more.epochs
    if less.pruner == more.pruner:
        assert (less.max_multiply_adds or math.inf) <= (more.max_multiply_adds or math.inf)


@pytest.mark.parametrize("early", [False, True])
def test_courses_grow(early: bool) -> None:
    """Each asks for as many epochs and as large networks as the one before, and more of one."""
    for poorer, richer in itertools.pairwise(one for one in COURSES if one.early == early):
        assert poorer.epochs <= richer.epochs
        assert poorer.size <= richer.size
        assert poorer != richer


def test_time_for_many_trials_compares_them_early() -> None:
    """With longer schedules; not where the sampler has no such pruner, or trials are few."""
    poor, rich = (plan_budget(_request(seconds, early="asha")) for seconds in (600, 1e6))
    assert (poor.pruner, rich.pruner) == ("none", "asha")
    assert poor.epochs <= SHORT_EPOCHS
    assert rich.epochs == COMPARED_EPOCHS
    assert rich.trials >= ENOUGH_TO_COMPARE
    assert plan_budget(_request(1e6)).pruner == "none"
    assert plan_budget(_request(1e6, early="asha", epochs=4)).epochs == 4


@given(seconds=st.floats(60, 1e6))
def test_trials_compared_early_are_enough(seconds: float) -> None:
    """Otherwise short schedules choose better."""
    plan = plan_budget(_request(seconds, early="asha"))
    assert plan.pruner == "none" or plan.trials >= ENOUGH_TO_COMPARE
    assert plan_budget(_request(seconds, early="asha", most_trials=30)).trials <= 30


def test_a_tiny_budget_plans_the_poorest_course() -> None:
    """Even where nothing fits, one trial is planned."""
    plan = plan_budget(_request(1.0))
    assert (plan.epochs, plan.trials) == (COURSES[0].epochs, 1)


def test_a_hand_tuned_network_that_is_too_large_leaves_a_trial_to_train() -> None:
    """It has a place in the plan, but no training; with time for it, it is one of the trials."""
    tiny, tried = _request(1.0), replace(_request(1.0), first_size=10**7)
    assert plan_budget(tried).max_multiply_adds == 5 * 10**6
    assert plan_budget(tried).trials == plan_budget(tiny).trials + 1 == 2
    assert plan_budget(replace(tried, most_trials=1)).trials == 1
    rich = _request(1e6)
    assert plan_budget(replace(rich, first_size=10**7)) == plan_budget(rich)


@given(largest=st.integers(10**6, 3 * 10**8), n_narrowed=st.integers(0, len(_PRICES)))
def test_candidates_that_become_smaller_are_paid_for(largest: int, n_narrowed: int) -> None:
    """They cost most of what the largest may; others that are too large leave no price."""
    prices = replace(_request(60), n_narrowed=n_narrowed).trained(largest)
    too_large = [one.multiply_adds > largest for one in _PRICES]
    assert len(prices) == len(_PRICES) - sum(too_large[n_narrowed:])
    assert all(one.multiply_adds <= largest for one in prices)
    narrowed = prices[too_large.index(True)] if any(too_large[:n_narrowed]) else None
    if narrowed is not None:
        assert narrowed.multiply_adds == pytest.approx(0.8 * largest, abs=1)
        assert narrowed.image_seconds == pytest.approx(0.8e-9 * largest, rel=0.4)


def test_a_hand_tuned_network_does_not_become_smaller() -> None:
    """It is not trained where it is too large."""
    request = replace(_request(60), n_narrowed=2)
    assert len(request.trained(5 * 10**6)) == 3
    assert len(replace(request, first_size=10**7).trained(5 * 10**6)) == 2


@given(seconds=st.floats(60, 1e5))
def test_smaller_networks_instead_of_others_are_no_cheaper(seconds: float) -> None:
    """So that no plan that counts with them is richer."""
    request = _request(seconds)
    paid = replace(request, n_narrowed=len(_PRICES))
    other, plan = plan_budget(request), plan_budget(paid)
    assert (plan.epochs, plan.max_multiply_adds or math.inf) <= (
        other.epochs,
        other.max_multiply_adds or math.inf,
    )


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
