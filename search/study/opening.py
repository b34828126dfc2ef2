"""Opens a study: makes it, or finds it and checks that it is the one that was meant."""

import warnings
from dataclasses import dataclass
from typing import final

import optuna
import torch
from optuna.storages import BaseStorage

from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo
from search.data.prepare import prepare_dataset
from search.data.splits import Fold, folds_hash, holdout, kfold, load_folds, save_folds
from search.data.statistics import ChannelStatistics, channel_statistics
from search.errors import UserError
from search.paths import RunPaths
from search.recipe import Recipe
from search.seeding import derive_seed
from search.study.identity import check_same_study, hardware, library_versions
from search.study.observer import StudyObserver
from search.study.resolve import resolve_recipe
from search.study.storage import open_storage, storage_url
from search.study.store import read_study, to_plain
from spaces import Space, load_space, space_source


@final
@dataclass(frozen=True)
class OpenStudy:
    """A study ready to be run; `recipe` has no "auto" left, `statistics` are one per fold."""

    recipe: Recipe
    paths: RunPaths
    dataset: DatasetInfo
    space: Space
    study: optuna.Study
    storage: BaseStorage
    folds_hash: str
    statistics: tuple[ChannelStatistics, ...]


@final
@dataclass(frozen=True)
class Plan:
    """What a recipe comes to on this machine, before anything is written."""

    recipe: Recipe
    dataset: DatasetInfo
    space: Space
    paths: RunPaths
    folds: tuple[Fold, ...]


def prepare(recipe: Recipe, observer: StudyObserver) -> Plan:
    """Load the space, prepare the dataset, settle every "auto" and make the folds.

    Raises UserError for an unknown space or dataset and for one too small for its folds,
    MachineError where data cannot be had.
    """
    try:
        space = load_space(recipe.space)
    except ValueError as error:
        raise UserError(str(error)) from error
    dataset = prepare_dataset(
        recipe.dataset,
        recipe.data_dir,
        image_size=recipe.image_size,
        test_fraction=recipe.test_fraction,
        observer=observer,
    )
    recipe = resolve_recipe(recipe, dataset)
    paths = RunPaths(recipe.runs_dir, recipe.study_name)
    return Plan(recipe, dataset, space, paths, make_folds(recipe, dataset))


def open_study(plan: Plan) -> OpenStudy:
    """Make the plan's study or go on with it; the caller holds its lock.

    Raises UserError where a study of this name has other settings, MachineError where the stored
    folds are damaged.
    """
    recipe, paths = plan.recipe, plan.paths
    storage = open_storage(storage_url(recipe.storage, paths.database))
    study = find_study(storage, recipe.study_name)
    if study is None:
        folds = plan.folds
        save_folds(paths.folds, folds)
        study = _create(plan, storage)
    else:
        stored = read_study(study)
        check_same_study(stored.recipe, stored.dataset, recipe, plan.dataset)
        folds = load_folds(paths.folds, stored.folds_hash)
        study.set_user_attr("recipe", to_plain(recipe))
        study.set_user_attr("dataset", to_plain(plan.dataset))
    statistics = fold_statistics(plan.dataset, folds)
    return OpenStudy(
        recipe, paths, plan.dataset, plan.space, study, storage, folds_hash(folds), statistics
    )


def find_study(storage: BaseStorage, name: str) -> optuna.Study | None:
    """Return the study of that name, or None."""
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def make_folds(recipe: Recipe, dataset: DatasetInfo) -> tuple[Fold, ...]:
    """Return the study's folds; raises UserError where the dataset is too small for them."""
    labels = load_train_split(dataset).labels.numpy()
    seed = derive_seed(recipe.seed, "folds")
    if recipe.validation == "kfold":
        return kfold(labels, recipe.folds, seed)
    return holdout(labels, recipe.holdout_fraction, seed)


def fold_statistics(dataset: DatasetInfo, folds: tuple[Fold, ...]) -> tuple[ChannelStatistics, ...]:
    """Return each fold's statistics, of its training part alone."""
    images = load_train_split(dataset).images
    return tuple(channel_statistics(images, torch.from_numpy(fold.train)) for fold in folds)


def _create(plan: Plan, storage: BaseStorage) -> optuna.Study:
    recipe = plan.recipe
    study = optuna.create_study(
        study_name=recipe.study_name,
        storage=storage,
        direction="maximize" if recipe.metric == "accuracy" else "minimize",
    )
    with warnings.catch_warnings():  # the dashboard's name for the value
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([f"validation {recipe.metric}"])
    attributes = {
        "recipe": to_plain(recipe),
        "dataset": to_plain(plan.dataset),
        "folds_hash": folds_hash(plan.folds),
        "space_source": space_source(recipe.space),
        "versions": library_versions(),
        "hardware": hardware(recipe.device),
    }
    for name, value in attributes.items():
        study.set_user_attr(name, value)
    return study
