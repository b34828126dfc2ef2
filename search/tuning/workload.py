"""What a search trains: its settings, and how much pruning and racing leave of its trials."""

from itertools import pairwise
from typing import NamedTuple

import joblib
import numpy as np

from search.recipe import Recipe
from search.seeding import derive_seed
from search.training.settings import TrainingSettings
from search.tuning.plan_order import PlanOrderPruner
from search.tuning.pruners import get_pruner
from search.tuning.racing import fold_levels, n_promoted
from search.tuning.samplers import MANY_TRIALS, get_sampler

_MOST_SIMULATED = 54  # trials; more change the shares little


class Range(NamedTuple):
    """The least and the most of a quantity."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Return the mean of both."""
        return (self.low + self.high) / 2


def search_workload(recipe: Recipe, n_trials: int) -> Range:
    """Return how much `n_trials` of a resolved recipe train, in trainings of one whole fold.

    The least is what remains if the pruner is right about all trials, the most if it prunes none;
    one that compares trials which wait for each other prunes as many in any case.
    """
    if not n_trials:
        return Range(0, 0)
    epochs, whole = _shares_kept(recipe, n_trials)
    again = (recipe.finalists or 0) * recipe.repeats * recipe.n_folds
    if not recipe.racing:
        whole_folds = n_trials * recipe.n_folds
        most = epochs if get_pruner(recipe.pruner).pauses else 1
        return Range(whole_folds * epochs + again, whole_folds * most + again)
    low = n_trials * epochs + folds_earned(round(n_trials * whole), recipe.folds)
    return Range(low + again, n_trials + folds_earned(n_trials, recipe.folds) + again)


def early_pruner(recipe: Recipe, n_trials: int) -> str | None:
    """Return the pruner that compares so many trials after their first epochs.

    None: they are too few, or cannot be compared. Only one objective has a curve; a race compares
    trials by their folds; without checkpoints a trial would begin again.
    """
    cannot = recipe.objective or recipe.racing or not recipe.checkpoint_every
    if cannot or n_trials < MANY_TRIALS:
        return None
    return get_sampler(recipe.sampler).pruner_of_many


def spared_trials(recipe: Recipe) -> frozenset[int]:
    """Return the trials that a resolved recipe has trained whole, by index."""
    return get_pruner(recipe.pruner).spared(baseline_first=recipe.with_baseline)


def folds_earned(n_rivals: int, n_folds: int) -> int:
    """Return how many folds are trained in a race after each rival's first."""
    earned = 0
    for level, following in pairwise(fold_levels(n_folds)):
        n_rivals = min(n_promoted(n_rivals, level), n_rivals)
        earned += n_rivals * (following - level)
    return earned


def _shares_kept(recipe: Recipe, n_trials: int) -> tuple[float, float]:
    """Return the shares of epochs that a pruner keeps, and of trials that it never prunes.

    Simulated with trials in a random order of merit, whose curves are flat.
    """
    count, epochs = min(n_trials, _MOST_SIMULATED), recipe.epochs
    settings = get_pruner(recipe.pruner).for_horizon(epochs, recipe.seed)
    pruner = PlanOrderPruner(settings, epochs, spared_trials(recipe))
    merits = np.random.default_rng(derive_seed(recipe.seed, "volume")).permutation(count)
    for index, merit in enumerate(merits.tolist()):
        pruner.update(index, [float(merit)] * epochs, ended=True)
        pruner.decide()
    while pruner.end_round():
        pass
    trained = [pruner.decision(index).epochs for index in range(count)]
    return sum(trained) / (count * epochs), sum(n == epochs for n in trained) / count


def trainings_at_once(recipe: Recipe, n_workers: int, *, elsewhere: bool = False) -> int:
    """Return how many of the workers train at once, at least 1.

    Unless they are elsewhere, they share the cores of this machine.
    """
    if elsewhere:
        return max(n_workers, 1)
    return max(min(n_workers, int(joblib.cpu_count()) // recipe.threads), 1)


def training_settings(recipe: Recipe) -> TrainingSettings:
    """Return the training settings of a resolved recipe."""
    if recipe.precision == "auto":
        raise ValueError("recipe must be resolved, got precision 'auto'")
    return TrainingSettings(
        recipe.epochs,
        recipe.device,
        recipe.precision,
        recipe.protocol.evaluation_batch,
        recipe.protocol.mean_over,
    )
