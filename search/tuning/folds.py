"""The folds of a study: which of its images train and which validate."""

from collections.abc import Iterator, Sequence

import numpy as np

from search.data.cache import load_copies, load_origins, load_train_split
from search.data.copies import joined
from search.data.dataset import DatasetInfo
from search.data.group_splits import grouped_holdout, grouped_kfold, numbered, shared_groups
from search.data.splits import (
    Fold,
    Indices,
    ascending,
    fixed_holdout,
    given_holdout,
    holdout,
    kfold,
)
from search.errors import UserError
from search.events import Listener, Notice
from search.recipe import Recipe
from search.seeding import derive_seed
from search.text import plural


def make_folds(recipe: Recipe, dataset: DatasetInfo) -> tuple[Fold, ...]:
    """Return the study's folds; raises UserError if the dataset is too small for them."""
    labels, names = load_train_split(dataset).labels.numpy(), dataset.class_names
    origins, _ = load_origins(dataset)
    groups, fraction = fold_groups(recipe, dataset), recipe.holdout_fraction
    split = recipe.protocol.split
    if split is not None:
        if origins.groups:
            raise UserError(
                f"groups: sampler {recipe.sampler!r} has the hand-tuned report's split, which "
                f"knows no groups; accepted: validation 'kfold', got {recipe.validation!r}"
            )
        return fixed_holdout(labels, split.fraction, split.random_state)
    if recipe.validation == "given":
        return given_holdout(labels, origins.validation, names)
    seed = derive_seed(recipe.seed, "folds")
    if groups is not None and origins.groups:
        if recipe.validation == "kfold":
            return grouped_kfold(labels, groups, recipe.folds, seed, names)
        return grouped_holdout(labels, groups, fraction, seed, class_names=names)
    first = np.arange(len(labels)) if groups is None else np.unique(groups, return_index=True)[1]
    first = np.sort(first).astype(np.int64)  # of copies only one is dealt, and the others follow
    try:
        if recipe.validation == "kfold":
            folds = kfold(labels[first], recipe.folds, seed, names)
        else:
            folds = holdout(labels[first], fraction, seed, class_names=names)
    except UserError as error:
        if groups is None:
            raise
        raise UserError(
            f"{error}; copies of an image count once (duplicates 'independent' counts each)"
        ) from error
    return folds if groups is None else tuple(_followed(fold, first, groups) for fold in folds)


def _followed(fold: Fold, first: Indices, groups: Indices) -> Fold:
    """Return the fold of all images, of a fold of the first image of each group."""
    validates = np.isin(groups, groups[first[fold.validation]])
    return Fold(ascending(np.flatnonzero(~validates)), ascending(np.flatnonzero(validates)))


def fold_groups(recipe: Recipe, dataset: DatasetInfo) -> Indices | None:
    """Return the group of each training image, int64 (N,); None if they are independent.

    Groups are those of the user, joined where copies connect them.
    """
    origins, n = load_origins(dataset)[0], dataset.n_train
    groups = numbered(origins.groups) if origins.groups else None
    copies = load_copies(dataset).within(n) if recipe.duplicates == "together" else ()
    if not copies:
        return groups
    if groups is None:
        groups = np.arange(n)
    first = np.concatenate([np.full(len(one) - 1, groups[one[0]]) for one in copies])
    others = np.concatenate([groups[list(one[1:])] for one in copies])
    names = np.arange(n)
    for connected in joined(n, first, others):
        names[list(connected)] = connected[0]
    return names[groups].astype(np.int64)


def tell_of_folds(
    recipe: Recipe, dataset: DatasetInfo, folds: tuple[Fold, ...], listener: Listener
) -> None:
    """Tell loudly of groups and copies that a fold divides, as a given validation set may do."""
    groups = load_origins(dataset)[0].groups
    for fold in folds if groups else ():
        train, validation = ([groups[i] for i in part] for part in (fold.train, fold.validation))
        for text in shared_groups(train, validation, "the training and the validation images"):
            listener(Notice(text))
    copies = load_copies(dataset).within(dataset.n_train) if recipe.duplicates == "together" else ()
    for fold in folds if copies else ():
        for text in _divided_copies(copies, fold):
            listener(Notice(text))


def _divided_copies(copies: Sequence[Sequence[int]], fold: Fold) -> Iterator[str]:
    """Yield a line if a fold trains on copies of images that it validates on."""
    validates = set(fold.validation.tolist())
    held_out = [(sum(index in validates for index in group), len(group)) for group in copies]
    divided = [n for n, total in held_out if 0 < n < total]
    if divided:
        yield (
            f"COPIES IN BOTH the training and the validation images: {len(divided):,} of "
            f"{plural(len(copies), 'group')} of copies, with {sum(divided):,} of the latter's "
            f"{len(validates):,} images, because this split is taken as it is. The score on them "
            "may be far too good."
        )
