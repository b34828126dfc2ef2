"""From what was asked for to what is done: every "auto" of a recipe replaced."""

import re
from typing import Any

import joblib
import torch

from search.data.dataset import DatasetInfo
from search.errors import UserError
from search.recipe import Recipe
from search.training.settings import Precision, resolve_device, resolve_precision
from search.tuning.points import DEFAULT_TRIALS
from spaces import Space

GIB = 1 << 30
_DEFAULT_TRIALS = {"random": DEFAULT_TRIALS, "tpe": DEFAULT_TRIALS, "baseline": 1}


def check_device(name: str) -> str:
    """Return the device to train on; raises UserError where the machine lacks it."""
    try:
        return resolve_device(name)
    except ValueError as error:
        raise UserError(str(error)) from error


def resolve_recipe(recipe: Recipe, dataset: DatasetInfo, space: Space, device: str) -> Recipe:
    """Return the recipe with nothing left open, for this machine and dataset."""
    changes: dict[str, Any] = {
        "study_name": _study_name(recipe, dataset, space.name),
        "pruner": _pruner(recipe),
        "trials": recipe.trials or _DEFAULT_TRIALS.get(recipe.sampler),
        "with_baseline": recipe.with_baseline and space.baseline_params is not None,
        "device": device,
        "precision": _precision(recipe, device),
        "workers": count_workers(recipe, device),
        "dataset": dataset.name if recipe.dataset == "auto" else recipe.dataset,
    }
    return recipe.model_copy(update=changes)


def _study_name(recipe: Recipe, dataset: DatasetInfo, space_name: str) -> str:
    if recipe.study_name != "auto":
        return recipe.study_name
    suffix = f"-kfold{recipe.folds}" if recipe.validation == "kfold" else ""
    suffix += "-racing" if recipe.racing else ""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{space_name}-{recipe.sampler}-{dataset.name}")
    return name.lstrip(".-")[: 64 - len(suffix)] + suffix


def _pruner(recipe: Recipe) -> str:
    if recipe.pruner != "auto":
        return recipe.pruner
    return "none" if recipe.sampler in ("grid", "baseline") else "halving"


def _precision(recipe: Recipe, device: str) -> Precision:
    if recipe.precision == "auto" and recipe.sampler == "baseline":
        return "fp32"  # as it was tuned by hand
    return resolve_precision(recipe.precision, device)


def lacks_bf16(recipe: Recipe) -> bool:
    """Return whether a resolved recipe takes fp32 because its device has no bf16 arithmetic."""
    return recipe.precision == "fp32" and recipe.sampler != "baseline"


def count_workers(recipe: Recipe, device: str) -> int:
    """Return how many processes train: as many as asked for, or as suit the device for 0."""
    cores: int = joblib.cpu_count() // recipe.threads
    if recipe.workers:
        return recipe.workers
    if not device.startswith("cuda"):
        return max(1, cores)
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return gpu_workers(free_bytes, recipe.n_folds, cores)


def gpu_workers(free_bytes: int, networks: int, cores: int) -> int:
    """Return how many processes share a GPU with so many free bytes, at least 1.

    Each needs 2 GiB for CUDA's own sake and its copy of the training split, and 1 GiB for each of
    the networks that it trains together; more processes than cores to launch kernels are of no
    use. A rule of thumb, not measured.
    """
    return max(1, min(cores, free_bytes // ((2 + networks) * GIB)))
