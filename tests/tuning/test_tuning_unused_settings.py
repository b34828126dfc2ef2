"""Settings that change nothing are told."""

from typing import Any

import pytest

from search.recipe import Recipe
from search.tuning.unused_settings import unused_settings


@pytest.mark.parametrize(
    ("settings", "unused"),
    [
        ({"folds": 10}, ["folds"]),
        ({"folds": 10, "validation": "kfold"}, []),
        ({"folds": 5}, []),  # as in every recipe.toml
        ({"holdout_fraction": 0.5, "validation": "kfold"}, ["holdout_fraction"]),
        ({"holdout_fraction": 0.5}, []),
        ({"holdout_fraction": 0.5, "validation": "given"}, ["holdout_fraction"]),
        ({"repeats": 3, "batch": 8}, ["batch", "repeats"]),
        ({"repeats": 3, "finalists": 2, "batch": 8, "sampler": "tpe"}, []),
        ({"resize": "pad", "test_fraction": 0.2}, ["resize", "test_fraction"]),
        ({"resize": "pad", "test_fraction": 0.2, "dataset": "digits"}, ["resize", "test_fraction"]),
        ({"resize": "pad", "test_fraction": 0.2, "dataset": "photos"}, []),
        ({"prior": "on", "sampler": "grid"}, ["prior"]),
        ({"prior": "on"}, []),
        ({"prior": "off", "sampler": "grid"}, []),
        ({"start_from": "other", "sampler": "baseline"}, ["start_from"]),
        ({"refit": "horizon", "refit_epochs": 9, "sampler": "baseline"}, ["refit", "refit_epochs"]),
        ({"refit": "one-se", "sampler": "baseline"}, []),
        ({"refit": "horizon", "refit_epochs": 9}, []),
    ],
)
def test_what_changes_nothing_is_named(settings: dict[str, Any], unused: list[str]) -> None:
    found = list(unused_settings(Recipe(space="mlp", **settings)))
    assert sorted(line.partition(" ")[0] for line in found) == unused
