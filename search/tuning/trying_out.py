"""Tries out the networks of a user's own before a search: one training step of each family."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice

import numpy as np

from cifar_models import FAMILIES
from search.data.dataset import DatasetInfo
from search.recipe import Recipe
from search.seeding import derive_seed
from search.tuning.feasibility import Feasibility, check_network, check_training
from spaces import Candidate, Space
from spaces.parameters import RandomTrial

_KNOWN, _DRAWN = 100, 20  # candidates among which one of each family is looked for


def check_families(
    recipe: Recipe, space: Space, dataset: DatasetInfo, known: Iterable[Candidate]
) -> None:
    """Train a network of each of the user's families for one step, on a few random images.

    It is the first one that can be built: of those known, or else drawn at random. A family of
    which there is none among a few is not tried.

    Args:
        recipe: A resolved recipe.
        space: Its space.
        dataset: What the networks are trained on.
        known: Those that are known beforehand.

    Raises:
        UserCodeError: A network fails or learns nothing, in one line.
    """
    untried, feasible = set(space.families) - {*FAMILIES}, Feasibility.of(recipe, dataset)
    for candidate in chain(islice(known, _KNOWN), _drawn(space, recipe.seed)):
        if not untried:
            return
        family = type(candidate.model)
        if family in untried and feasible(candidate) is None:
            untried.remove(family)
            with suppress(ValueError):  # which training raises as well
                check_network(candidate, dataset)
            check_training(candidate, dataset)


def _drawn(space: Space, seed: int) -> Iterator[Candidate]:
    """Yield random candidates; fewer where the space rejects points."""
    for index in range(_DRAWN):
        with suppress(ValueError):
            yield space.suggest(_random_trial(seed, index))


def _random_trial(seed: int, index: int) -> RandomTrial:
    return RandomTrial(
        lambda name: np.random.default_rng(derive_seed(seed, "try out", index, name))
    )
