"""What the folders of a dataset's parts may be called, and what is told where there are none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.errors import UserError
from tests.data.conftest import write_images


@pytest.mark.parametrize(
    ("train", "test"), [("Training", "Testing"), ("TRAINING", "test"), ("train", "testing")]
)
def test_training_and_testing_are_parts(
    train: str, test: str, make_folder: Any, prepare: Any
) -> None:
    """They are not searched as a problem of two classes."""
    root = make_folder(train={"a": 3, "b": 3}, test={"a": 2, "b": 2})
    (root / "train").rename(root / train)
    (root / "test").rename(root / test)
    write_images(root / "samples", 4)
    info = prepare(root)
    assert (info.class_names, info.n_train, info.n_test) == (("a", "b"), 6, 4)


def test_training_alone_has_a_test_set_set_aside(make_folder: Any, prepare: Any) -> None:
    root = make_folder(train={"a": 10, "b": 10})
    (root / "train").rename(root / "training")
    (root / "notes").mkdir()
    info = prepare(root)
    assert (info.class_names, info.n_train, info.n_test) == (("a", "b"), 18, 2)


@pytest.mark.parametrize("place", ["{}", "{}/brand"])
def test_classes_may_be_called_training(place: str, tmp_path: Path, prepare: Any) -> None:
    """Such as shoes for it, whose images are in folders, too."""
    for name in ("running", "training"):
        write_images(tmp_path / "shoes" / place.format(name), 10)
    assert prepare(tmp_path / "shoes").class_names == ("running", "training")
    for name in ("Testing", "Training"):
        write_images(tmp_path / "cars" / name, 10)
    assert prepare(tmp_path / "cars").class_names == ("Testing", "Training")


def test_two_names_of_one_part_are_refused(make_folder: Any, prepare: Any) -> None:
    """As val/ and valid/ are; one without classes in it is not used."""
    root = make_folder(train={"a": 3, "b": 3}, test={"a": 1, "b": 1})
    write_images(root / "training", 2)
    info = prepare(root)
    write_images(root / "training" / "a", 2)
    assert prepare(root).fingerprint == info.fingerprint
    for image in (root / "training").glob("*.png"):
        image.unlink()
    with pytest.raises(UserError, match="several train folders, 'train', 'training': keep one"):
        prepare(root)


def test_a_split_column_may_say_training(tmp_path: Path, prepare: Any) -> None:
    write_images(tmp_path / "x", 8)
    lines = [f"x/{i:03}.png,{'ab'[i % 2]},{'Testing' if i > 5 else 'training'}" for i in range(8)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["image,label,split", *lines]) + "\n", encoding="utf-8")
    info = prepare(table)
    assert (info.n_train, info.n_test) == (6, 2)


def flat(root: Path) -> None:
    write_images(root, 24)


def without_endings(root: Path) -> None:
    for name in ("ant", "bee"):
        write_images(root / name, 3)
    for path in [*root.rglob("*.png")]:
        path.rename(path.with_suffix(""))


def nested(root: Path) -> None:
    write_images(root / "pets" / "train" / "ant", 3)
    write_images(root / "val" / "ant", 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (flat, r"<class>/<image>\); it has 24 images directly in it: put those of each class into"),
        (without_endings, r"; no file in it has the ending of an image \(\.avif, "),
        (Path.mkdir, "; it is empty$"),
        (nested, r"<class>/<image>\)$"),
    ],
)
def test_what_is_there_instead_of_classes_is_told(
    make: Callable[[Path], None], words: str, tmp_path: Path, prepare: Any
) -> None:
    make(tmp_path / "photos")
    with pytest.raises(UserError, match=rf"^dataset: .* has no folder train/ .*{words}"):
        prepare(tmp_path / "photos")
