"""Settings that were given and that change nothing, which is told rather than left in doubt."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

from search.data.sources import dataset_folder
from search.recipe import Recipe
from search.tuning.samplers import get_sampler


@final
@dataclass(frozen=True)
class _Use:
    """Where a setting matters.

    Attributes:
        setting: Its name.
        matters: Whether it does in a recipe.
        needs: What else has to be set for it, in words.
    """

    setting: str
    matters: Callable[[Recipe], bool]
    needs: str


def _has_own_images(recipe: Recipe) -> bool:
    """Published datasets have images of one square shape, and a test set."""
    return dataset_folder(recipe.dataset) is not None


_USES = (
    _Use("folds", lambda recipe: recipe.validation == "kfold", "validation 'kfold'"),
    _Use("holdout_fraction", lambda recipe: recipe.validation == "holdout", "validation 'holdout'"),
    _Use("repeats", lambda recipe: recipe.finalists is not None, "finalists"),
    _Use("resize", _has_own_images, "images of your own"),
    _Use("test_fraction", _has_own_images, "images of your own"),
    _Use("start_from", lambda recipe: recipe.protocol.is_search, "a search"),
    # "one-se" is what "auto" means, and what exported recipes have.
    _Use("refit", lambda recipe: recipe.protocol.refits or recipe.refit == "one-se", "a refit"),
    _Use("refit_epochs", lambda recipe: recipe.protocol.refits, "a refit"),
    _Use(
        "batch",
        lambda recipe: get_sampler(recipe.sampler).adaptive,
        "a sampler that learns from earlier trials",
    ),
    _Use(
        "prior",
        lambda recipe: recipe.prior != "on" or get_sampler(recipe.sampler).explores,
        "a sampler that draws from the space",
    ),
)


def unused_settings(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each setting that the user gave and that changes nothing."""
    for one in _USES:
        value, usual = getattr(recipe, one.setting), Recipe.model_fields[one.setting].default
        given = one.setting in recipe.model_fields_set and value != usual
        if given and not one.matters(recipe):
            yield f"{one.setting} {value!r} changes nothing: it needs {one.needs}"
