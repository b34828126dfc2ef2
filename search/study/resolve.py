"""From what was asked for to what is done: every "auto" of a recipe replaced."""

import re
from typing import Any

import joblib

from search.data.dataset import DatasetInfo
from search.errors import UserError
from search.recipe import Recipe
from search.study.plan import DEFAULT_TRIALS
from search.training.settings import resolve_device, resolve_precision


def check_device(name: str) -> str:
    """Return the device to train on; raises UserError where the machine lacks it."""
    try:
        return resolve_device(name)
    except ValueError as error:
        raise UserError(str(error)) from error


def resolve_recipe(recipe: Recipe, dataset: DatasetInfo, space_name: str, device: str) -> Recipe:
    """Return the recipe with nothing left open, for this machine and dataset."""
    changes: dict[str, Any] = {
        "study_name": _study_name(recipe, dataset, space_name),
        "pruner": _pruner(recipe),
        "trials": recipe.trials if recipe.sampler == "grid" else recipe.trials or DEFAULT_TRIALS,
        "device": device,
        "precision": resolve_precision(recipe.precision, device),
        "workers": recipe.workers or _workers(device, recipe.threads),
        "dataset": dataset.name if recipe.dataset == "auto" else recipe.dataset,
    }
    return recipe.model_copy(update=changes)


def _study_name(recipe: Recipe, dataset: DatasetInfo, space_name: str) -> str:
    if recipe.study_name != "auto":
        return recipe.study_name
    suffix = f"-kfold{recipe.folds}" if recipe.validation == "kfold" else ""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{space_name}-{recipe.sampler}-{dataset.name}")
    return name[: 64 - len(suffix)] + suffix


def _pruner(recipe: Recipe) -> str:
    if recipe.pruner != "auto":
        return recipe.pruner
    return "none" if recipe.sampler == "grid" else "halving"


def _workers(device: str, threads: int) -> int:
    return 1 if device.startswith("cuda") else max(1, joblib.cpu_count() // threads)
