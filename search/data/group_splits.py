"""Folds that keep the images of one group together: a patient, a scene, a burst.

Images of one group resemble one another. With some of them in training and some in validation, a
network that recognizes the group scores well without having learned the classes.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from search.data.splits import (
    Fold,
    Indices,
    ascending,
    class_text,
    divided,
    holdout,
    missing_class,
    seeded,
)
from search.errors import UserError
from search.text import listed_names, printable

_DRAWS = 10  # of folds, until every class is on both sides of each


def groups_of_paths(paths: Sequence[str], pattern: str) -> tuple[str, ...]:
    """Return each path's group: what the pattern's first parentheses match, or all that it matches.

    Args:
        paths: Relative to the dataset's folder, with "/".
        pattern: A regular expression, searched anywhere in the path.

    Raises:
        UserError: It is no regular expression, or does not match a path.
    """
    shown = f"'{printable(pattern)}'"  # repr would double its backslashes
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(f"groups: {shown} is not a regular expression: {error}") from error
    matches = [expression.search(path) for path in paths]
    first = min(expression.groups, 1)
    found = [match[first] if match else None for match in matches]
    without = [path for path, group in zip(paths, found, strict=True) if not group]
    if without:
        raise UserError(
            f"groups: {shown} finds no group in {len(without):,} of {len(paths):,} paths: "
            f"{listed_names(without)}"
        )
    return tuple(group for group in found if group)


def numbered(groups: Sequence[str]) -> Indices:
    """Return the groups as numbers 0, 1, ... in the order of their names, int64 (N,)."""
    return np.unique(np.array(groups, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def grouped_kfold(
    labels: Indices, groups: Indices, k: int, seed: int, class_names: Sequence[str] = ()
) -> tuple[Fold, ...]:
    """Return `k` folds with each group on one side, and about as many images of each class.

    Args:
        labels: int64 (N,).
        groups: The group of each image, int64 (N,).
        k: Number of folds, at least 2.
        seed: Any non-negative integer.
        class_names: What to call the classes in messages.

    Raises:
        UserError: There are fewer groups than folds, of all images or of those of a class.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - takes a second

    if k < 2:
        raise UserError(f"folds must be at least 2, got {k}")
    label, n_groups = _rarest(labels, groups)
    if k > n_groups:
        raise UserError(
            f"folds must be at most {n_groups}, the number of groups that have images of class "
            f"{class_text(label, class_names)}, as each fold needs one of its own; got {k}"
        )
    state, lacking = seeded(seed), label
    for _ in range(_DRAWS):
        splitter = StratifiedGroupKFold(k, shuffle=True, random_state=state)
        pairs = splitter.split(np.zeros(len(labels)), labels, groups)
        folds = tuple(Fold(ascending(train), ascending(validation)) for train, validation in pairs)
        missing = [found for fold in folds if (found := missing_class(labels, fold))]
        if not missing:
            return folds
        _, lacking = missing[0]
    raise UserError(
        f"folds: {k} folds cannot all have images of class {class_text(lacking, class_names)} on "
        "both sides, because its groups hold other classes too; try fewer folds"
    )


def grouped_holdout(
    labels: Indices,
    groups: Indices,
    fraction: float,
    seed: int,
    *,
    setting: str = "holdout_fraction",
    class_names: Sequence[str] = (),
) -> tuple[Fold, ...]:
    """Return one fold whose validation part has whole groups, about `fraction` of each class.

    The groups are dealt by iterative stratification (Sechidis et al., 2011): rare classes first,
    large groups first, each to the side that lacks most images of its class.

    Args:
        labels: int64 (N,).
        groups: The group of each image, int64 (N,).
        fraction: Part of the images that validates.
        seed: Any non-negative integer.
        setting: The setting to blame if it cannot be done.
        class_names: What to call the classes then.

    Raises:
        UserError: A class has images of one group only.
    """
    label, n_groups = _rarest(labels, groups)
    if n_groups < 2:
        raise UserError(
            f"{setting} must leave every class images on both sides, and all images of class "
            f"{class_text(label, class_names)} belong to one group, which stays on one side"
        )
    group = np.unique(groups, return_inverse=True)[1]
    validates = _dealt(_counts(labels, groups), fraction, seeded(seed))[group]
    fold = divided(validates)
    missing = missing_class(labels, fold)
    if missing is not None:
        _, lacking = missing
        raise UserError(
            f"{setting} {fraction:g} cannot leave class {class_text(lacking, class_names)} images "
            "on both sides, because its groups hold other classes too"
        )
    return (fold,)


def set_aside(
    labels: Indices,
    groups: Sequence[str],
    fraction: float,
    seed: int,
    class_names: Sequence[str],
) -> tuple[Fold, ...]:
    """Return a fold whose validation part is to be the test set; raises UserError.

    Without groups it is stratified by image. It is drawn before the images are looked at.
    """
    setting = "test_fraction"
    if not groups:
        return holdout(labels, fraction, seed, setting=setting, class_names=class_names)
    return grouped_holdout(
        labels, numbered(groups), fraction, seed, setting=setting, class_names=class_names
    )


def shared_groups(
    first: Sequence[str], second: Sequence[str], parts: str = "the training and the test set"
) -> Iterator[str]:
    """Yield a line if groups have images in two parts that should have none in common."""
    known = set(first)
    shared = sorted(known & set(second))
    if shared:
        n_images = sum(group in known for group in second)
        yield (
            f"GROUPS IN BOTH {parts}: {len(shared):,} of {len(set(second)):,} groups, with "
            f"{n_images:,} of the latter's {len(second):,} images: {listed_names(shared)}. The "
            "score on them may be far too good."
        )


def _dealt(counts: Indices, fraction: float, state: np.random.RandomState) -> np.ndarray:
    """Return whether each group validates, bool (G,); `counts` is (G, classes)."""
    totals = counts.sum(0)
    wanted = np.stack([(1 - fraction) * totals, fraction * totals])  # (sides, classes)
    held = np.zeros_like(wanted)
    validates = np.zeros(len(counts), dtype=bool)
    waiting = np.ones(len(counts), dtype=bool)
    order = state.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(1), kind="stable")]
    for label in np.argsort((counts > 0).sum(0), kind="stable"):
        mine = [int(group) for group in order if waiting[group] and counts[group, label]]
        for left, group in zip(range(len(mine), 0, -1), mine, strict=True):
            lacking = np.flatnonzero(held[:, label] == 0)
            side = int((wanted - held)[:, label].argmax())
            if left <= len(lacking):  # the last groups that could fill an empty side
                side = int(lacking[0])
            held[side] += counts[group]
            validates[group], waiting[group] = bool(side), False
    return validates


def _counts(labels: Indices, groups: Indices) -> Indices:
    """Return how many images of each class each group has, int64 (groups, classes)."""
    classes, label = np.unique(labels, return_inverse=True)
    names, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), len(classes)), dtype=np.int64)
    np.add.at(counts, (group, label), 1)
    return counts


def _rarest(labels: Indices, groups: Indices) -> tuple[int, int]:
    """Return the class that has images of the fewest groups, and their number."""
    n_groups = (_counts(labels, groups) > 0).sum(0)
    rarest = int(n_groups.argmin())
    return int(np.unique(labels)[rarest]), int(n_groups[rarest])
