"""What a recipe comes to on this machine, before anything of a study is written."""

from dataclasses import dataclass
from typing import final

from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo
from search.data.prepare import prepare_dataset
from search.data.splits import Fold, holdout, kfold, reported_holdout
from search.errors import UserError
from search.paths import RunPaths
from search.recipe import Recipe
from search.seeding import derive_seed
from search.tuning.feasibility import Feasibility
from search.tuning.identity import DECIDING
from search.tuning.observer import StudyObserver
from search.tuning.points import Params, planned_points
from search.tuning.resolve import check_device, lacks_bf16, resolve_recipe
from spaces import Space, load_space


@final
@dataclass(frozen=True)
class Plan:
    """What a recipe comes to on this machine, before anything is written.

    `open_settings` were left to the program; an existing study may have settled them otherwise.
    """

    recipe: Recipe
    dataset: DatasetInfo
    space: Space
    paths: RunPaths
    folds: tuple[Fold, ...]
    points: tuple[Params, ...]
    open_settings: tuple[str, ...]


def prepare(recipe: Recipe, observer: StudyObserver) -> Plan:
    """Load the space, prepare the dataset, settle every "auto" and make the folds.

    Raises UserError for an unknown space or dataset and for one too small for its folds,
    MachineError where data cannot be had.
    """
    space = _load_space(recipe.space)
    device = check_device(recipe.device)
    dataset = prepare_dataset(
        recipe.dataset,
        recipe.data_dir,
        image_size=recipe.image_size,
        test_fraction=recipe.test_fraction,
        observer=observer,
    )
    open_settings = tuple(name for name in DECIDING if getattr(recipe, name) == "auto")
    recipe = resolve_recipe(recipe, dataset, space, device)
    if "precision" in open_settings and lacks_bf16(recipe):
        observer.notice(f"precision: fp32, as this {device} has no bf16 arithmetic of its own")
    points = _points(recipe, space, dataset)
    return Plan(
        recipe=recipe,
        dataset=dataset,
        space=space,
        paths=RunPaths(recipe.runs_dir, recipe.study_name),
        folds=make_folds(recipe, dataset),
        points=points,
        open_settings=open_settings,
    )


def make_folds(recipe: Recipe, dataset: DatasetInfo) -> tuple[Fold, ...]:
    """Return the study's folds; raises UserError where the dataset is too small for them."""
    labels = load_train_split(dataset).labels.numpy()
    if recipe.as_reported:
        return reported_holdout(labels)
    seed = derive_seed(recipe.seed, "folds")
    if recipe.validation == "kfold":
        return kfold(labels, recipe.folds, seed)
    return holdout(labels, recipe.holdout_fraction, seed)


def _points(recipe: Recipe, space: Space, dataset: DatasetInfo) -> tuple[Params, ...]:
    feasibility = Feasibility(dataset, recipe.max_parameters)
    try:
        return tuple(planned_points(recipe, space, feasibility))
    except UserError as error:
        raise UserError(f"{error}{feasibility.least()}") from error


def _load_space(text: str) -> Space:
    try:
        return load_space(text)
    except ValueError as error:
        raise UserError(str(error)) from error
