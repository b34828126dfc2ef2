"""Settings that change nothing are told."""

from dataclasses import replace
from typing import Any

import pytest

from search.recipe import Recipe
from search.tuning.unused_settings import unasked_sampler, unused_settings
from spaces import BUILT_IN


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
    found = list(unused_settings(Recipe(space="mlp", **settings), BUILT_IN["mlp"]))
    assert sorted(line.partition(" ")[0] for line in found) == unused


@pytest.mark.parametrize(
    ("settings", "missing"),
    [({"prior": "on"}, ["prior"]), ({"start": "portfolio"}, ["start"]), ({}, [])],
)
def test_what_a_space_has_not_is_named(settings: dict[str, Any], missing: list[str]) -> None:
    recipe, whole = Recipe(space="mlp", **settings), BUILT_IN["mlp"]
    bare = replace(whole, prior=None, portfolio=())
    assert not list(unused_settings(recipe, whole))
    assert [line.partition(" ")[0] for line in unused_settings(recipe, bare)] == missing


@pytest.mark.parametrize(
    ("sampler", "trials", "told"),
    [
        ("tpe", 10, True), ("tpe", 11, False), ("gp", 3, True), ("mine.py:make", 10, True),
        ("grid", 9, True), ("grid", 10, False), ("random", 3, False), ("baseline", 3, False),
    ],
)  # fmt: skip
def test_a_sampler_that_chooses_nothing_is_told(sampler: str, trials: int, told: bool) -> None:
    """Ten points are known beforehand here, nine of which are starting points."""
    recipe = Recipe(space="mlp", sampler=sampler, trials=trials, prior="on")
    line = unasked_sampler(recipe, min(10, trials), 9)
    assert (line is not None) is told
