"""Protocols: which recipe gets which, and what each does."""

import pytest

from search.protocol import BASELINE, REPLICATION, SEARCH, StudyProtocol
from search.recipe import Recipe


@pytest.mark.parametrize(
    ("sampler", "validation", "protocol"),
    [
        ("random", "holdout", SEARCH),
        ("grid", "kfold", SEARCH),
        ("tpe", "holdout", SEARCH),
        ("baseline", "kfold", BASELINE),
        ("baseline", "holdout", REPLICATION),
    ],
)
def test_a_recipe_has_one_protocol(sampler: str, validation: str, protocol: StudyProtocol) -> None:
    """It follows from the stored settings, so old recipes have it too."""
    recipe = Recipe.model_validate({"space": "cnn", "sampler": sampler, "validation": validation})
    assert recipe.protocol is protocol
    assert Recipe.model_validate(recipe.model_dump(mode="json")).protocol is protocol


def test_only_the_replication_differs_in_how_it_measures() -> None:
    """A baseline on folds is measured as a search, so that the two can be compared."""
    measured = ("split", "refits", "scores_last_epoch", "evaluation_batch", "mean_over")
    assert all(getattr(BASELINE, name) == getattr(SEARCH, name) for name in measured)
    assert all(getattr(REPLICATION, name) != getattr(SEARCH, name) for name in measured)
    assert (SEARCH.is_search, BASELINE.is_search, REPLICATION.is_search) == (True, False, False)


def test_a_replication_keeps_its_split() -> None:
    """Another fraction would not be the hand-tuned report's."""
    with pytest.raises(ValueError, match=r"holdout_fraction 0.2, got 0.3"):
        Recipe(space="cnn", sampler="baseline", holdout_fraction=0.3)
    assert Recipe(space="cnn", sampler="baseline", validation="kfold", holdout_fraction=0.3)
