"""How much a search has to train, as a range."""

from typing import Any

import pytest

from search.recipe import Recipe
from search.tuning.workload import folds_earned, search_workload


def recipe(**settings: Any) -> Recipe:
    defaults: dict[str, Any] = {"space": "mlp", "pruner": "none", "epochs": 10}
    return Recipe(**(defaults | settings))


def test_without_a_pruner_every_fold_of_every_trial_is_trained() -> None:
    """There is nothing to guess then."""
    assert search_workload(recipe(), 7) == (7, 7)
    assert search_workload(recipe(validation="kfold", folds=5), 7) == (35, 35)
    assert search_workload(recipe(), 0) == (0, 0)


@pytest.mark.parametrize("pruner", ["median", "halving", "hyperband"])
def test_a_pruner_saves_something_or_nothing(pruner: str) -> None:
    """The range ends at no saving at all, and begins where the pruner finds what it hopes for."""
    low, high = search_workload(recipe(pruner=pruner, epochs=40), 30)
    assert high == 30
    assert 3 < low < 27


@pytest.mark.parametrize(
    ("pruner", "share"),
    # by hand: of 54 six train 40 epochs, the others 4; 54, 18 and 6 reach 6, 18 and 40
    [
        ("sync-halving", (6 * 40 + 48 * 4) / (54 * 40)),
        ("asha", (36 * 6 + 12 * 18 + 6 * 40) / 2160),
    ],
)
def test_trials_that_wait_for_each_other_cost_the_same_whatever_they_are(
    pruner: str, share: float
) -> None:
    """As many of them continue in any case."""
    settings: dict[str, Any] = {"pruner": pruner, "epochs": 40}
    low, high = search_workload(recipe(**settings, with_baseline=False), 54)
    assert low == high == pytest.approx(54 * share)
    assert low <= search_workload(recipe(**settings), 54).low <= low + 0.9


def test_the_same_search_has_the_same_volume() -> None:
    """What is drawn comes from the seed."""
    assert search_workload(recipe(pruner="halving"), 20) == search_workload(
        recipe(pruner="halving"), 20
    )


@pytest.mark.parametrize(
    ("rivals", "folds", "earned"),
    # by hand: 9 rivals, 3 on a second fold; of these 1 on three more
    [(9, 5, 3 + 3), (1, 5, 1 + 3), (2, 3, 2 * 2), (0, 5, 0)],
)
def test_a_race_earns_folds_for_a_third_at_a_time(rivals: int, folds: int, earned: int) -> None:
    """As the race itself promotes them, at each of its levels."""
    assert folds_earned(rivals, folds) == earned


def test_racing_costs_little_more_than_one_fold() -> None:
    """Nine trials of five folds are 9 first folds and 6 more, not 45."""
    assert search_workload(recipe(validation="kfold", folds=5, racing=True), 9) == (15, 15)
