"""Fold racing: which trials earn folds, and how folds are split up."""

from itertools import pairwise
from math import ceil

import numpy as np
import pytest

from search.tuning.racing import best_mean, fold_levels, promotions, split_folds


@pytest.mark.parametrize(
    ("n_folds", "levels"),
    [(1, (1,)), (2, (1, 2)), (3, (1, 3)), (4, (1, 2, 4)), (5, (1, 2, 5)), (10, (1, 2, 4, 10))],
)
def test_levels_double_up_to_all_folds(n_folds: int, levels: tuple[int, ...]) -> None:
    """Trials are compared on 1, 2, 4, ... folds and at last on all."""
    assert fold_levels(n_folds) == levels


def _race(scores: dict[int, list[float]], n_folds: int) -> dict[int, int]:
    """Run a race in which trial `plan` scores `scores[plan][fold]`; returns the folds of each."""
    have = dict.fromkeys(scores, 1)
    while True:
        standings = {plan: [[value] for value in scores[plan][:n]] for plan, n in have.items()}
        earned, folds = promotions(standings, n_folds)
        if not earned:
            return have
        assert all(have[plan] < folds for plan in earned)
        have |= dict.fromkeys(earned, folds)


@pytest.mark.parametrize("n_trials", [1, 2, 3, 5, 8, 20])
@pytest.mark.parametrize("n_folds", [2, 3, 5, 10])
def test_the_best_third_goes_on_at_every_level(n_trials: int, n_folds: int) -> None:
    """At each level a third, rounded up, earns more; of those on one fold two at least."""
    rng = np.random.default_rng(n_trials)
    scores = {plan: list(rng.uniform(size=n_folds)) for plan in range(n_trials)}
    have = _race(scores, n_folds)
    levels = fold_levels(n_folds)
    group = list(scores)
    for level, following in pairwise(levels):
        group.sort(key=lambda plan: -float(np.mean(scores[plan][:level])))
        better = group[: max(ceil(len(group) / 3), 2 if level == 1 else 1)]
        assert {plan for plan in have if have[plan] >= following} == set(better)
        group = better
    assert n_folds in have.values(), "somebody ends with all the folds"


def test_a_trial_that_drops_out_gives_its_place_to_the_next() -> None:
    """Where the best diverged on a later fold, the best of the rest is trained instead."""
    curves = {0: [[0.9], [0.9]], 1: [[0.8], [0.8]], 2: [[0.7]], 3: [[0.6]]}
    assert promotions(curves, 2) == ((), 2)
    assert promotions({plan: curves[plan] for plan in (1, 2, 3)}, 2) == ((2,), 2)


def test_trials_that_ended_compete_without_being_trained() -> None:
    """A later trial earns folds only where it beats enough of those that ended before."""
    closed = {0: [[0.9], [0.9]], 1: [[0.5]]}
    assert promotions(closed | {2: [[0.4]]}, 2, closed=closed) == ((), 2)
    assert promotions(closed | {2: [[0.7]]}, 2, closed=closed) == ((2,), 2)


def test_ties_go_to_the_lower_index_and_nobody_is_no_race() -> None:
    """Of equal scores the lower index wins; an empty race is over."""
    assert promotions({4: [[0.5]], 2: [[0.5]], 3: [[0.5]]}, 5) == ((2, 3), 2)
    assert promotions({}, 5) == ((), 5)


def test_the_score_is_the_best_of_the_mean_curve() -> None:
    """Not the mean of the folds' own bests."""
    assert best_mean([[0.2, 0.8], [0.8, 0.4]]) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("n", "parts", "sizes"), [(5, 1, [5]), (5, 2, [3, 2]), (5, 5, [1] * 5), (4, 3, [2, 1, 1])]
)
def test_split_folds_are_even_and_whole(n: int, parts: int, sizes: list[int]) -> None:
    """Every fold is in one part, in order, and parts differ by one at most."""
    split = split_folds(range(n), parts)
    assert [len(part) for part in split] == sizes
    assert [fold for part in split for fold in part] == list(range(n))
