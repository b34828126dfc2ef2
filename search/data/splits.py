"""Folds: which images train and which validate. Indices only.

scikit-learn is only imported when folds are made: a worker only loads them, and would waste a
second of its start and 60 MB.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import numpy as np
import numpy.typing as npt

from search.data.npy import read_integers
from search.errors import MachineError, UserError
from search.files import atomic_write, machine_failures

Indices = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class Fold:
    """Two disjoint, ascending int64 index arrays that together cover the dataset."""

    train: Indices
    validation: Indices


def holdout(
    labels: Indices,
    fraction: float,
    seed: int,
    *,
    setting: str = "holdout_fraction",
    class_names: Sequence[str] = (),
) -> tuple[Fold, ...]:
    """Return one stratified fold whose validation part is ceil(fraction * N) images.

    Each class's share is within one image of proportional.

    Args:
        labels: int64 (N,).
        fraction: Part of the images that validates.
        seed: Any non-negative integer.
        setting: The setting to blame if it cannot be done.
        class_names: What to call the classes then.

    Raises:
        UserError: A class would have no training or no validation image.
    """
    return _holdout(labels, fraction, seeded(seed), setting, class_names)


def fixed_holdout(labels: Indices, fraction: float, random_state: int) -> tuple[Fold, ...]:
    """Return the stratified split that scikit-learn makes from an integer `random_state`.

    With the hand-tuned report's fraction and state, and CIFAR-10 in its original order, it is the
    report's own split. Raises as `holdout` does.
    """
    return _holdout(labels, fraction, random_state, "holdout_fraction")


def _holdout(
    labels: Indices,
    fraction: float,
    state: int | np.random.RandomState,
    setting: str,
    class_names: Sequence[str] = (),
) -> tuple[Fold, ...]:
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    try:
        train, validation = train_test_split(
            np.arange(len(labels)), test_size=fraction, stratify=labels, random_state=state
        )
    except ValueError as error:  # too few images to give every class one on either side
        raise _too_few(labels, fraction, setting, class_names) from error
    fold = Fold(ascending(train), ascending(validation))
    if missing_class(labels, fold) is not None:
        raise _too_few(labels, fraction, setting, class_names)
    return (fold,)


def kfold(labels: Indices, k: int, seed: int, class_names: Sequence[str] = ()) -> tuple[Fold, ...]:
    """Return `k` stratified folds; each image validates exactly once.

    `labels` is int64 (N,); `seed` is any non-negative integer. Each class's validation count is
    within one image of its size divided by `k`. Raises UserError unless 2 <= k <= the size of
    the smallest class, which is named as in `class_names`.
    """
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415

    if k < 2:
        raise UserError(f"folds must be at least 2, got {k}")
    name, size = _smallest_class(labels, class_names)
    if k > size:
        raise UserError(
            f"folds must be at most {size}, the number of images of the smallest class "
            f"(class {name}), got {k}"
        )
    splitter = StratifiedKFold(k, shuffle=True, random_state=seeded(seed))
    pairs = splitter.split(np.zeros(len(labels)), labels)
    return tuple(Fold(ascending(train), ascending(validation)) for train, validation in pairs)


def given_holdout(
    labels: Indices, validation: Sequence[int], class_names: Sequence[str] = ()
) -> tuple[Fold, ...]:
    """Return the fold that validates on given images.

    Args:
        labels: int64 (N,).
        validation: Indices of the images.
        class_names: What to call the classes in messages.

    Raises:
        UserError: There are none, or a class has no image on one side.
    """
    if not len(validation):
        raise UserError(
            "validation 'given' needs images that were set aside for it: a folder val/ next to "
            "train/, rows 'val' of a table's split column, or arrays such as val_images"
        )
    validates = np.zeros(len(labels), dtype=bool)
    validates[list(validation)] = True
    fold = divided(validates)
    missing = missing_class(labels, fold)
    if missing is not None:
        side, label = missing
        raise UserError(
            f"validation 'given' needs {side} images of every class, and there is none of "
            f"class {class_text(label, class_names)}"
        )
    return (fold,)


def class_shares(labels: Indices, n_classes: int) -> list[float]:
    """Return each class's share of the images, given int64 labels (N,)."""
    shares: list[float] = (np.bincount(labels, minlength=n_classes) / len(labels)).tolist()
    return shares


def folds_hash(folds: tuple[Fold, ...]) -> str:
    """Return the SHA-256 of the folds' indices, the same on every machine."""
    digest = hashlib.sha256()
    for fold in folds:
        digest.update(f"{len(fold.train)} {len(fold.validation)};".encode())
        for part in (fold.train, fold.validation):
            digest.update(part.astype("<i8").tobytes())
    return digest.hexdigest()


def save_folds(path: Path, folds: tuple[Fold, ...], groups: Indices | None = None) -> None:
    """Write the folds as .npz, atomically; raises MachineError.

    `groups`, int64 (N,), says which images were kept together; it is there for readers.
    """
    arrays: dict[str, Indices] = {} if groups is None else {"groups": groups}
    for number, fold in enumerate(folds):
        arrays |= {f"train_{number}": fold.train, f"validation_{number}": fold.validation}
    with machine_failures(f"cannot write the folds {path}", "make room there and run again"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path, durable=True) as file:
            np.savez(file, allow_pickle=False, **arrays)


def load_folds(path: Path, expected_hash: str) -> tuple[Fold, ...]:
    """Return the stored folds; raises MachineError if their hash differs from the expected one."""
    hint = "put the study's own file back, or start a study with another name"
    try:
        arrays = read_integers(path)
        folds = tuple(
            Fold(arrays[f"train_{i}"], arrays[f"validation_{i}"]) for i in range(len(arrays) // 2)
        )
    except (OSError, KeyError, ValueError) as error:
        raise MachineError(f"the folds {path} cannot be read: {error}; {hint}") from error
    if folds_hash(folds) != expected_hash:
        raise MachineError(f"the folds {path} are not the ones that the study uses; {hint}")
    return folds


def seeded(seed: int) -> np.random.RandomState:
    """Return a generator for scikit-learn, of any non-negative integer."""
    # scikit-learn takes integers below 2**32 only; derive_seed gives 63 bits.
    return np.random.RandomState(np.random.MT19937(seed))


def ascending(indices: npt.NDArray[np.int_]) -> Indices:
    """Return indices in ascending order, as int64."""
    return np.sort(indices).astype(np.int64)


def divided(validates: npt.NDArray[np.bool_]) -> Fold:
    """Return the fold that validates on the images so marked, bool (N,)."""
    return Fold(ascending(np.flatnonzero(~validates)), ascending(np.flatnonzero(validates)))


def missing_class(
    labels: Indices, fold: Fold
) -> tuple[Literal["training", "validation"], int] | None:
    """Return a side of a fold and a class that has no image there, if there is one."""
    if len(lacking := np.setdiff1d(labels, labels[fold.train])):
        return "training", int(lacking[0])
    if len(lacking := np.setdiff1d(labels, labels[fold.validation])):
        return "validation", int(lacking[0])
    return None


def class_text(label: int, class_names: Sequence[str]) -> str:
    """Return a class's name, without names its number."""
    return repr(class_names[label]) if class_names else str(label)


def _smallest_class(labels: Indices, class_names: Sequence[str]) -> tuple[str, int]:
    """Return the name (without names the number) and the size of the smallest class."""
    classes, counts = np.unique(labels, return_counts=True)
    smallest = int(counts.argmin())
    return class_text(int(classes[smallest]), class_names), int(counts[smallest])


def _too_few(
    labels: Indices, fraction: float, setting: str, class_names: Sequence[str]
) -> UserError:
    name, size = _smallest_class(labels, class_names)
    n_classes = len(np.unique(labels))
    if n_classes > max(10, len(labels) / 2):
        return UserError(
            f"dataset: there are {n_classes:,} different labels for {len(labels):,} images, as "
            f"{name}; accepted: classes, of several images each"
        )
    remedy = "another fraction, more images of that class"
    if size < 2:  # which no fraction divides
        remedy = "at least 2 images of that class"
    return UserError(
        f"{setting} must leave every class an image on both sides, got {fraction:g} "
        f"for {len(labels)} images, {size} of them in the smallest class (class {name}); accepted: "
        f"{remedy}, or a dataset without that class"
    )
