from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from search.data.splits import (
    Fold,
    Indices,
    fixed_holdout,
    folds_hash,
    holdout,
    kfold,
    load_folds,
    save_folds,
)
from search.errors import MachineError, UserError
from search.seeding import derive_seed

Splitter = Callable[[Indices, int], tuple[Fold, ...]]
SPLITTERS: dict[str, Splitter] = {
    "holdout-0.2": lambda labels, seed: holdout(labels, 0.2, seed),
    "holdout-0.37": lambda labels, seed: holdout(labels, 0.37, seed),
    "2-fold": lambda labels, seed: kfold(labels, 2, seed),
    "5-fold": lambda labels, seed: kfold(labels, 5, seed),
}
every_splitter = pytest.mark.parametrize("split", SPLITTERS.values(), ids=SPLITTERS.keys())


def uneven_labels() -> Indices:
    labels = np.repeat(np.arange(4), [50, 31, 17, 8])
    return np.random.default_rng(3).permutation(labels).astype(np.int64)


@every_splitter
def test_parts_are_disjoint_and_cover(split: Splitter) -> None:
    """Every fold uses every image once, either to train or to validate."""
    labels = uneven_labels()
    for fold in split(labels, 0):
        both = np.concatenate([fold.train, fold.validation])
        assert np.array_equal(np.sort(both), np.arange(len(labels)))


@every_splitter
def test_indices_are_ascending_int64(split: Splitter) -> None:
    """Indices come in one documented order and dtype."""
    for fold in split(uneven_labels(), 0):
        for part in (fold.train, fold.validation):
            assert part.dtype == np.int64
            assert (np.diff(part) > 0).all()


@every_splitter
def test_classes_are_proportional_within_one_image(split: Splitter) -> None:
    """The validation part holds each class in its share of the dataset."""
    labels = uneven_labels()
    for fold in split(labels, 0):
        share = len(fold.validation) / len(labels)
        difference = np.bincount(labels[fold.validation]) - share * np.bincount(labels)
        assert np.abs(difference).max() <= 1


@every_splitter
def test_seed_decides(split: Splitter) -> None:
    """The same seed gives the same folds and another seed others."""
    labels = uneven_labels()
    first, again, other = (folds_hash(split(labels, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_derived_seeds_are_accepted() -> None:
    """Seeds of 63 bits, as derive_seed makes them, work and differ."""
    labels = uneven_labels()
    hashes = {folds_hash(kfold(labels, 3, derive_seed(0, "folds", i))) for i in range(4)}
    assert len(hashes) == 4


def test_kfold_validates_every_image_once() -> None:
    """Over the k folds the validation parts make up the dataset."""
    labels = uneven_labels()
    validated = np.concatenate([fold.validation for fold in kfold(labels, 5, 0)])
    assert np.array_equal(np.sort(validated), np.arange(len(labels)))


def test_holdout_is_one_fold_of_the_asked_size() -> None:
    """A holdout of a fifth validates on ceil(N / 5) images."""
    folds = holdout(uneven_labels(), 0.2, 0)
    assert [len(fold.validation) for fold in folds] == [22]


@pytest.mark.parametrize("k", [1, 0, -3])
def test_too_few_folds_are_refused(k: int) -> None:
    """One fold is no cross-validation."""
    with pytest.raises(UserError, match=f"^folds must be at least 2, got {k}$"):
        kfold(uneven_labels(), k, 0)


def test_k_is_limited_by_the_smallest_class() -> None:
    """As many folds as the smallest class has images work; one more names class and size."""
    assert len(kfold(uneven_labels(), 8, 0)) == 8
    with pytest.raises(UserError, match=r"at most 8, .* \(class 3\), got 9$"):
        kfold(uneven_labels(), 9, 0)


@pytest.mark.parametrize(
    ("counts", "fraction"),
    [([50, 1], 0.2), ([50, 2], 0.01), ([50, 3], 0.1), ([50, 2], 0.99), ([3, 3], 0.9)],
)
def test_fractions_that_empty_a_class_are_refused(counts: list[int], fraction: float) -> None:
    """A class without a training or validation image is the user's to mend, in one line."""
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    with pytest.raises(UserError, match=rf"^part_size must leave .* got {fraction}") as caught:
        holdout(labels, fraction, 0, setting="part_size")
    assert "\n" not in str(caught.value)


def test_a_fixed_holdout_takes_no_seed() -> None:
    """A fifth of each class validates, the same fifth always."""
    labels = np.repeat(np.arange(3), 50)
    (fold,), (again,) = fixed_holdout(labels, 0.2, 37), fixed_holdout(labels, 0.2, 37)
    assert np.bincount(labels[fold.validation]).tolist() == [10, 10, 10]
    assert np.array_equal(fold.validation, again.validation)
    train, _ = train_test_split(np.arange(150), test_size=0.2, random_state=37, stratify=labels)
    assert fold.train.tolist() == sorted(train)


def test_hash_tells_folds_apart() -> None:
    """Moving one image, or swapping two folds, gives another hash."""
    first, second = kfold(uneven_labels(), 2, 0)
    moved = Fold(first.train[1:], np.append(first.validation, first.train[0]))
    hashes = {folds_hash(folds) for folds in [(first, second), (second, first), (moved, second)]}
    assert len(hashes) == 3


def test_hash_is_fixed() -> None:
    """Stored studies rely on this hash: it may not change between versions."""
    fold = Fold(np.array([0, 2], dtype=np.int64), np.array([1], dtype=np.int64))
    assert folds_hash((fold,)).startswith("45c782393935b768")


def test_saved_folds_come_back(tmp_path: Path) -> None:
    """Folds survive the disk, in order, even where there are more than ten."""
    labels = np.repeat(np.arange(2), 12).astype(np.int64)
    folds = kfold(labels, 12, 0)
    save_folds(tmp_path / "study" / "folds.npz", folds)
    loaded = load_folds(tmp_path / "study" / "folds.npz", folds_hash(folds))
    assert folds_hash(loaded) == folds_hash(folds)
    assert [one.name for one in (tmp_path / "study").iterdir()] == ["folds.npz"]


def test_other_folds_are_refused(tmp_path: Path) -> None:
    """A file with whole but other folds fails rather than changing the study."""
    path = tmp_path / "folds.npz"
    save_folds(path, kfold(uneven_labels(), 3, 0))
    with pytest.raises(MachineError, match="are not the ones that the study uses"):
        load_folds(path, folds_hash(kfold(uneven_labels(), 3, 1)))


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file", None])
def test_damaged_folds_are_a_machine_failure(tmp_path: Path, damage: bytes | None) -> None:
    """An empty, cut or missing file is reported in words."""
    path = tmp_path / "folds.npz"
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(MachineError, match="cannot be read"):
        load_folds(path, "0" * 64)


def test_refusals_name_the_class() -> None:
    """By its name where that is known."""
    labels, names = np.array([0, 0, 0, 0, 1]), ("cat", "dog")
    with pytest.raises(UserError, match=r"smallest class \(class 'dog'\), got 3"):
        kfold(labels, 3, 0, names)
    words = (
        r"1 of them in the smallest class \(class 'dog'\); accepted: at least 2 images of that "
        "class, or a dataset without that class$"
    )
    with pytest.raises(UserError, match=words):
        holdout(labels, 0.2, 0, class_names=names)
    words = "accepted: another fraction, more images of that class, or a dataset without that class"
    with pytest.raises(UserError, match=words):
        holdout(np.array([0, 0, 0, 0, 1, 1]), 0.01, 0, class_names=names)
