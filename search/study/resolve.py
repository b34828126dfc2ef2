"""From what was asked for to what is done: every "auto" of a recipe replaced."""

import re
from typing import Any

import joblib

from search.data.dataset import DatasetInfo
from search.errors import UserError
from search.recipe import Recipe
from search.study.plan import DEFAULT_TRIALS
from search.training.settings import resolve_device, resolve_precision


def resolve_recipe(recipe: Recipe, dataset: DatasetInfo) -> Recipe:
    """Return the recipe with nothing left open, for this machine and dataset.

    Raises UserError where the machine lacks the device.
    """
    try:
        device = resolve_device(recipe.device)
    except ValueError as error:
        raise UserError(str(error)) from error
    changes: dict[str, Any] = {
        "study_name": _study_name(recipe, dataset),
        "pruner": _pruner(recipe),
        "trials": recipe.trials if recipe.sampler == "grid" else recipe.trials or DEFAULT_TRIALS,
        "device": device,
        "precision": resolve_precision(recipe.precision, device),
        "workers": recipe.workers or _workers(device, recipe.threads),
        "dataset": dataset.name if recipe.dataset == "auto" else recipe.dataset,
    }
    return recipe.model_copy(update=changes)


def _study_name(recipe: Recipe, dataset: DatasetInfo) -> str:
    if recipe.study_name != "auto":
        return recipe.study_name
    space = recipe.space.rpartition(":")[2].lower()
    suffix = f"-kfold{recipe.folds}" if recipe.validation == "kfold" else ""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{space}-{recipe.sampler}-{dataset.name}")
    return name[: 64 - len(suffix)] + suffix


def _pruner(recipe: Recipe) -> str:
    if recipe.pruner != "auto":
        return recipe.pruner
    return "none" if recipe.sampler == "grid" else "halving"


def _workers(device: str, threads: int) -> int:
    return 1 if device.startswith("cuda") else max(1, joblib.cpu_count() // threads)
