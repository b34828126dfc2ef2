"""The folds of a study: which of its images train and which validate."""

from search.data.cache import load_origins, load_train_split
from search.data.dataset import DatasetInfo
from search.data.group_splits import grouped_holdout, grouped_kfold, numbered, shared_groups
from search.data.splits import Fold, Indices, fixed_holdout, given_holdout, holdout, kfold
from search.errors import UserError
from search.events import Listener, Notice
from search.recipe import Recipe
from search.seeding import derive_seed


def make_folds(recipe: Recipe, dataset: DatasetInfo) -> tuple[Fold, ...]:
    """Return the study's folds; raises UserError if the dataset is too small for them."""
    labels, names = load_train_split(dataset).labels.numpy(), dataset.class_names
    origins, _ = load_origins(dataset)
    groups, fraction = fold_groups(dataset), recipe.holdout_fraction
    split = recipe.protocol.split
    if split is not None:
        if groups is not None:
            raise UserError(
                f"groups: sampler {recipe.sampler!r} has the hand-tuned report's split, which "
                f"knows no groups; accepted: validation 'kfold', got {recipe.validation!r}"
            )
        return fixed_holdout(labels, split.fraction, split.random_state)
    if recipe.validation == "given":
        return given_holdout(labels, origins.validation, names)
    seed = derive_seed(recipe.seed, "folds")
    if recipe.validation == "kfold":
        if groups is not None:
            return grouped_kfold(labels, groups, recipe.folds, seed, names)
        return kfold(labels, recipe.folds, seed, names)
    if groups is not None:
        return grouped_holdout(labels, groups, fraction, seed, class_names=names)
    return holdout(labels, fraction, seed, class_names=names)


def fold_groups(dataset: DatasetInfo) -> Indices | None:
    """Return the group of each training image, int64 (N,); None if they are independent."""
    origins, _ = load_origins(dataset)
    return numbered(origins.groups) if origins.groups else None


def tell_of_folds(dataset: DatasetInfo, folds: tuple[Fold, ...], listener: Listener) -> None:
    """Tell loudly of groups that a fold divides, as a given validation set may do."""
    groups = load_origins(dataset)[0].groups
    for fold in folds if groups else ():
        train, validation = ([groups[i] for i in part] for part in (fold.train, fold.validation))
        for text in shared_groups(train, validation, "the training and the validation images"):
            listener(Notice(text))
