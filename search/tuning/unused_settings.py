"""Settings that were given and that change nothing, which is told rather than left in doubt."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

from search.data.sources import dataset_folder
from search.recipe import Recipe
from search.text import plural
from search.tuning.samplers import get_sampler
from spaces import Space


@final
@dataclass(frozen=True)
class _Use:
    """Where a setting matters.

    Attributes:
        setting: Its name.
        matters: Whether it does in a recipe with this space.
        needs: What else has to be set for it, in words.
    """

    setting: str
    matters: Callable[[Recipe, Space], bool]
    needs: str


def _has_own_images(recipe: Recipe, _: Space) -> bool:
    """Published datasets have images of one square shape, and a test set."""
    return dataset_folder(recipe.dataset) is not None


_USES = (
    _Use("folds", lambda recipe, _: recipe.validation == "kfold", "validation 'kfold'"),
    _Use(
        "holdout_fraction", lambda recipe, _: recipe.validation == "holdout", "validation 'holdout'"
    ),
    _Use("repeats", lambda recipe, _: recipe.finalists is not None, "finalists"),
    _Use("resize", _has_own_images, "images of your own"),
    _Use("test_fraction", _has_own_images, "images of your own"),
    _Use("start_from", lambda recipe, _: recipe.protocol.is_search, "a search"),
    # "one-se" is what "auto" means, and what exported recipes have.
    _Use("refit", lambda recipe, _: recipe.protocol.refits or recipe.refit == "one-se", "a refit"),
    _Use("refit_epochs", lambda recipe, _: recipe.protocol.refits, "a refit"),
    _Use(
        "batch",
        lambda recipe, _: get_sampler(recipe.sampler).adaptive,
        "a sampler that learns from earlier trials",
    ),
    _Use(
        "prior",
        lambda recipe, _: recipe.prior != "on" or get_sampler(recipe.sampler).explores,
        "a sampler that draws from the space",
    ),
    _Use(
        "prior",
        lambda recipe, space: recipe.prior != "on" or space.prior is not None,
        "a space that has one",
    ),
    _Use(
        "start",
        lambda recipe, space: recipe.start != "portfolio" or bool(space.portfolio),
        "a space that has one",
    ),
)


def unused_settings(recipe: Recipe, space: Space) -> Iterator[str]:
    """Yield a line for each setting that the user gave and that changes nothing."""
    for one in _USES:
        value, usual = getattr(recipe, one.setting), Recipe.model_fields[one.setting].default
        given = one.setting in recipe.model_fields_set and value != usual
        if given and not one.matters(recipe, space):
            yield f"{one.setting} {value!r} changes nothing: it needs {one.needs}"


def unasked_sampler(recipe: Recipe, n_points: int, n_first: int) -> str | None:
    """Return that the sampler chooses no trial, if so, and what to change.

    Random search is not meant: whether a trial is its own makes no difference to the others.

    Args:
        recipe: A resolved recipe.
        n_points: How many points are known before the first trial.
        n_first: How many of them are known to be good.
    """
    sampler = get_sampler(recipe.sampler)
    if not (sampler.adaptive or sampler.enumerates):
        return None
    n_before, n_trials = (n_points if sampler.adaptive else n_first), recipe.trials
    if n_trials is None or n_before < n_trials:
        return None
    first, otherwise = "starting points", "start 'none'"
    if sampler.adaptive and recipe.prior == "on":
        first, otherwise = f"{first} and draws from the prior", f"{otherwise} and prior 'off'"
    return (
        f"sampler {recipe.sampler!r} chooses none of {plural(n_trials, 'trial')}, as {first} come "
        f"first: give more trials, or {otherwise}"
    )
