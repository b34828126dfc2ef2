"""Folds and test sets that keep groups together."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.data.cache import load_origins, load_train_split
from search.data.group_splits import (
    grouped_holdout,
    grouped_kfold,
    groups_of_paths,
    numbered,
    shared_groups,
)
from search.data.splits import Fold, Indices, folds_hash, given_holdout
from search.errors import UserError
from tests.data.conftest import write_images

Splitter = Callable[[Indices, Indices, int], tuple[Fold, ...]]
SPLITTERS: dict[str, Splitter] = {
    "holdout-0.2": lambda labels, groups, seed: grouped_holdout(labels, groups, 0.2, seed),
    "holdout-0.4": lambda labels, groups, seed: grouped_holdout(labels, groups, 0.4, seed),
    "2-fold": lambda labels, groups, seed: grouped_kfold(labels, groups, 2, seed),
    "5-fold": lambda labels, groups, seed: grouped_kfold(labels, groups, 5, seed),
}
every_splitter = pytest.mark.parametrize("split", SPLITTERS.values(), ids=SPLITTERS.keys())


def patients(n_patients: int = 60, classes: int = 3, seed: int = 0) -> tuple[Indices, Indices]:
    """Return labels and groups of patients with 1 to 9 images each, all of one class, shuffled."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_patients), rng.integers(1, 10, n_patients))
    labels = (np.arange(n_patients) % classes)[groups]
    order = rng.permutation(len(groups))
    return labels[order].astype(np.int64), groups[order].astype(np.int64)


@every_splitter
def test_groups_stay_together_and_everything_is_covered(split: Splitter) -> None:
    labels, groups = patients()
    for fold in split(labels, groups, 0):
        assert not set(groups[fold.train]) & set(groups[fold.validation])
        both = np.concatenate([fold.train, fold.validation])
        assert np.array_equal(np.sort(both), np.arange(len(labels)))
        for part in (fold.train, fold.validation):
            assert part.dtype == np.int64
            assert (np.diff(part) > 0).all()


@every_splitter
def test_classes_are_about_proportional(split: Splitter) -> None:
    """Each class's share of a validation part is within one large group of the fold's own."""
    labels, groups = patients()
    folds = split(labels, groups, 0)
    for fold in folds:
        share = len(fold.validation) / len(labels)
        differences = np.bincount(labels[fold.validation]) - share * np.bincount(labels)
        assert np.abs(differences).max() <= 9


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.37, 0.5])
def test_a_holdout_is_of_the_fraction_that_is_given(fraction: float) -> None:
    """Of each class, to within half of its largest group."""
    labels, groups = patients(200)
    (fold,) = grouped_holdout(labels, groups, fraction, 0)
    wanted = fraction * np.bincount(labels)
    assert np.abs(np.bincount(labels[fold.validation]) - wanted).max() <= 5


@every_splitter
def test_seed_decides(split: Splitter) -> None:
    labels, groups = patients()
    first, again, other = (folds_hash(split(labels, groups, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_names_of_groups_do_not_matter() -> None:
    """Only which images belong together does; numbers follow the order of the names."""
    assert numbered(["p2", "p10", "p2", "a"]).tolist() == [2, 1, 2, 0]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_groups_are_split_or_refused(data: st.DataObject) -> None:
    """Whatever the groups are, they stay whole, and every class is on both sides, or it is told."""
    n = data.draw(st.integers(4, 40))
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    groups = np.array(data.draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)))
    fraction = data.draw(st.floats(0.1, 0.6))
    try:
        folds = grouped_holdout(labels, groups, fraction, 0) + grouped_kfold(labels, groups, 3, 0)
    except UserError:
        return
    for fold in folds:
        assert not set(groups[fold.train]) & set(groups[fold.validation])
        assert set(labels[fold.train]) == set(labels[fold.validation]) == set(labels)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(2, 6), min_size=2, max_size=4), st.floats(0.05, 0.6))
def test_two_groups_of_a_class_are_enough_for_a_holdout(sizes: list[int], fraction: float) -> None:
    """Where groups are of one class, each class with two of them is on both sides."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    groups = np.arange(len(labels))
    (fold,) = grouped_holdout(labels, groups, fraction, 0)
    assert set(labels[fold.train]) == set(labels[fold.validation])


def test_too_few_groups_are_refused_with_the_class() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    groups = np.array([0, 1, 2, 3, 3, 4])
    names = ("ill", "well")
    with pytest.raises(UserError, match=r"at most 2.*'well'.*got 3"):
        grouped_kfold(labels, groups, 3, 0, names)
    one = np.array([0, 1, 2, 3, 3, 3])
    with pytest.raises(UserError, match="'well' belong to one group"):
        grouped_holdout(labels, one, 0.2, 0, class_names=names)
    with pytest.raises(UserError, match="folds must be at least 2"):
        grouped_kfold(labels, groups, 1, 0)


def test_groups_are_found_in_paths() -> None:
    """The first parentheses are the group; without any, the whole match."""
    paths = ["a/p01_1.png", "b/p01_2.png", "b/p12_1.png"]
    assert groups_of_paths(paths, r"p(\d+)_") == ("01", "01", "12")
    assert groups_of_paths(paths, r"p\d+") == ("p01", "p01", "p12")
    assert groups_of_paths(paths, r"(?:p)(\d)(\d)") == ("0", "0", "1")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"p\d(", r"'p\d(' is not a regular expression"),
        ("q", "finds no group in 2 of 2 paths: 'a/p1.png', 'b/p2.png'"),
        ("p1", "in 1 of 2 paths: 'b/p2.png'"),
        ("p1|(x)", "in 2 of 2"),  # the parentheses match nothing
        ("x*", "in 2 of 2"),  # it matches, but nothing
    ],
)
def test_what_finds_no_group_is_told(pattern: str, words: str) -> None:
    with pytest.raises(UserError, match=re.escape(words)):
        groups_of_paths(["a/p1.png", "b/p2.png"], pattern)


def test_groups_in_two_parts_are_told_loudly() -> None:
    (line,) = shared_groups(["a", "b", "b"], ["b", "c", "b"])
    assert "1 of 2 groups, with 2 of the latter's 3 images: 'b'" in line
    assert not list(shared_groups(["a"], ["b"]))
    assert not list(shared_groups([], []))


def test_a_given_holdout_is_what_was_set_aside() -> None:
    labels = np.array([0, 1, 0, 1, 0])
    (fold,) = given_holdout(labels, (4, 1))
    assert (fold.train.tolist(), fold.validation.tolist()) == ([0, 2, 3], [1, 4])
    with pytest.raises(UserError, match="a folder val/"):
        given_holdout(labels, ())
    with pytest.raises(UserError, match=r"validation images of every class.*'dog'"):
        given_holdout(labels, (0, 2), ("cat", "dog"))
    with pytest.raises(UserError, match=r"training images of every class.*'dog'"):
        given_holdout(labels, (1, 3, 0), ("cat", "dog"))


# Through the sources


@pytest.fixture
def wards(tmp_path: Path) -> Path:
    """Return a folder of 20 patients with 3 images each, in two classes."""
    for patient in range(20):
        label = "ill" if patient % 2 else "well"
        write_images(tmp_path / "wards" / label / f"p{patient:02}", 3, seed=patient)
    return tmp_path / "wards"


def test_a_test_set_is_set_aside_by_groups(wards: Path, prepare: Any) -> None:
    """No patient is in both, and every group comes from its path."""
    train, test = load_origins(prepare(wards, groups=r"p\d+", test_fraction=0.2))
    assert not set(train.groups) & set(test.groups)
    assert (len(set(train.groups)), len(set(test.groups))) == (16, 4)
    for origins in (train, test):
        for name, group in zip(origins.names, origins.groups, strict=True):
            assert f"/{group}/" in name


def test_groups_are_part_of_what_the_dataset_is(wards: Path, prepare: Any) -> None:
    """Other groups are another cache; without any, nothing is grouped."""
    alone, by_patient = prepare(wards), prepare(wards, groups=r"p\d+")
    assert alone.cache_dir != by_patient.cache_dir
    assert load_origins(alone)[0].groups == ()


def test_a_given_test_set_with_known_patients_is_told(
    tmp_path: Path, prepare: Any, recorder: Any
) -> None:
    for part, numbers in (("train", range(6)), ("test", range(4, 8))):
        for patient in numbers:
            folder = tmp_path / "d" / part / ("a" if patient % 2 else "b")
            write_images(folder / f"p{patient}", 2, seed=10 * patient + (part == "test"))
    prepare(tmp_path / "d", groups=r"p\d")
    (told,) = [one for one in recorder.notices if "GROUPS" in one]
    assert "2 of 4 groups, with 4 of the latter's 8 images: 'p4', 'p5'" in told


def test_a_column_of_a_table_groups(wards: Path, prepare: Any) -> None:
    """A column by its name; any other text is an expression over paths."""
    paths = sorted(path.relative_to(wards) for path in wards.rglob("*.png"))
    lines = [f"{path},{path.parts[0]},{path.parts[1][1:]}" for path in paths]
    table = wards / "labels.csv"
    table.write_text("\n".join(["image,label,patient", *lines]) + "\n", encoding="utf-8")
    by_column = load_origins(prepare(table, groups="patient", test_fraction=0.2))
    by_path = load_origins(prepare(table, groups=r"p(\d+)/", test_fraction=0.2))
    assert by_column == by_path
    assert set(by_column[0].groups).isdisjoint(by_column[1].groups)
    with pytest.raises(UserError, match="nor is it a column: those are 'image', 'label'"):
        prepare(table, groups="pateint")
    table.write_text("\n".join(["image,label,patient", *lines[:-1], lines[-1][:-2]]), "utf-8")
    with pytest.raises(UserError, match=r"column 'patient'.* no value for 1 of 60 images"):
        prepare(table, groups="patient")


def test_an_array_groups(tmp_path: Path, prepare: Any) -> None:
    """An array with a value for each image, for each part that is given."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 5, 5), dtype=np.uint8)
    patients_of = np.arange(40) // 4
    labels = patients_of % 2
    np.savez(tmp_path / "one.npz", images=images, labels=labels, patient=patients_of)
    train, test = load_origins(prepare(tmp_path / "one.npz", groups="patient", test_fraction=0.2))
    assert (len(train.groups), len(test.groups)) == (32, 8)
    assert set(train.groups).isdisjoint(test.groups)
    with pytest.raises(UserError, match="no array 'train_ward' or 'ward'"):
        prepare(tmp_path / "one.npz", groups="ward")
    np.savez(tmp_path / "bad.npz", images=images, labels=labels, patient=patients_of[:9])
    with pytest.raises(UserError, match="groups of the shape"):
        prepare(tmp_path / "bad.npz", groups="patient")


def test_other_datasets_know_no_groups(prepare: Any) -> None:
    with pytest.raises(UserError, match=r"groups is only for .* got 'x'"):
        prepare("digits", groups="x")


@pytest.mark.parametrize("kind", ["folder", "table", "arrays"])
def test_images_for_validation_are_known(kind: str, tmp_path: Path, prepare: Any) -> None:
    """Those of val/, of the split column or of val_images; they join the others in the cache."""
    root = tmp_path / "d"
    for number, part in enumerate(("train", "val", "test")):
        for label in "ab":
            write_images(root / part / label, 6 - number, seed=10 * number + ord(label))
    dataset = root
    if kind == "table":
        paths = sorted(path.relative_to(root) for path in root.rglob("*.png"))
        lines = [f"{path},{path.parts[1]},{path.parts[0]}" for path in paths]
        dataset = root / "labels.csv"
        dataset.write_text("\n".join(["image,label,split", *lines]) + "\n", encoding="utf-8")
    if kind == "arrays":
        dataset = tmp_path / "d.npz"
        arrays: dict[str, np.ndarray] = {}
        for number, part in enumerate(("train", "val", "test")):
            images = np.full((2 * (6 - number), 4, 4), 50 * number + 9, np.uint8)
            arrays |= {f"{part}_images": images, f"{part}_labels": np.arange(len(images)) % 2}
        np.savez(dataset, allow_pickle=False, **arrays)
    info = prepare(dataset)
    origins, _ = load_origins(info)
    assert (info.n_train, len(origins.validation), info.n_test) == (22, 10, 8)
    if kind == "arrays":
        given = load_train_split(info).images[list(origins.validation)]
        assert set(given.flatten().tolist()) == {59}
    else:
        assert {origins.names[i].split("/")[0] for i in origins.validation} == {"val"}
        assert {name.split("/")[0] for name in origins.names} == {"train", "val"}
