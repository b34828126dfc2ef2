"""How much a search has to train: expected numbers of whole trainings of one network. Pure."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from search.recipe import Recipe
from search.seeding import derive_seed
from search.tuning.by_name import build_rule
from search.tuning.judge import Judge
from search.tuning.racing import fold_levels, n_promoted

_MOST_SIMULATED = 50  # trials; more change the shares little


class Volume(NamedTuple):
    """A range of trainings, each of one network for all epochs, and what most of them depend on.

    `low` is what the pruner leaves where curves never cross, `high` where it prunes nothing.
    """

    low: float
    high: float


class _Kept(NamedTuple):
    """Shares that a pruner leaves: of all epochs, and of trials that reach the last one."""

    epochs: float
    whole: float


def search_volume(recipe: Recipe, n_trials: int) -> Volume:
    """Return what `n_trials` of a resolved recipe come to."""
    if not n_trials:
        return Volume(0, 0)
    kept = _kept(recipe, n_trials)
    if not recipe.racing:
        return Volume(n_trials * recipe.n_folds * kept.epochs, n_trials * recipe.n_folds)
    low = n_trials * kept.epochs + folds_earned(round(n_trials * kept.whole), recipe.folds)
    return Volume(low, n_trials + folds_earned(n_trials, recipe.folds))


def folds_earned(n_rivals: int, n_folds: int) -> int:
    """Return how many folds are trained in a race beside each rival's first."""
    earned = 0
    for level, following in pairwise(fold_levels(n_folds)):
        n_rivals = min(n_promoted(n_rivals, level), n_rivals)
        earned += n_rivals * (following - level)
    return earned


def _kept(recipe: Recipe, n_trials: int) -> _Kept:
    """Judge trials in a random order of merit, whose curves are level."""
    count, epochs = min(n_trials, _MOST_SIMULATED), recipe.epochs
    judge = Judge(build_rule(recipe.pruner, epochs, recipe.seed), epochs)
    merits = np.random.default_rng(derive_seed(recipe.seed, "volume")).permutation(count)
    for plan, merit in enumerate(merits.tolist()):
        judge.update(plan, [float(merit)] * epochs, ended=True)
        judge.judge()
    trained = [judge.verdict(plan).epochs for plan in range(count)]
    return _Kept(sum(trained) / (count * epochs), sum(n == epochs for n in trained) / count)
