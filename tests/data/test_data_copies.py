"""Copies of images: found where there are some, and nowhere else."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from sklearn.datasets import load_digits

from search.data.cache import load_copies, load_origins, load_train_split, read_info
from search.data.copies import Copies, CopyCounts, CopyFinder
from search.data.dataset import Images, Origins, Part
from search.errors import UserError
from tests.data.conftest import write_images


def scenes(n: int, side: int = 32, seed: int = 0) -> Images:
    """Return smooth colourful images, uint8 (n, 3, side, side), each of its own."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 6, 6, 3), dtype=np.uint8)
    large = [np.asarray(Image.fromarray(one).resize((side, side), 3)) for one in coarse]
    return np.stack(large).transpose(0, 3, 1, 2)


def changed(images: Images, change: Callable[[Image.Image], Image.Image]) -> Images:
    pictures = (Image.fromarray(np.ascontiguousarray(one.transpose(1, 2, 0))) for one in images)
    return np.stack([np.asarray(change(one)).transpose(2, 0, 1) for one in pictures])


def recompressed(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92, subsampling=0)
    return Image.open(file).convert("RGB")


def found(*batches: Images) -> Copies:
    finder = CopyFinder()
    for batch in batches:
        finder.add(batch)
    return finder.copies()


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed": recompressed,
    "enlarged and shrunk": lambda one: one.resize((64, 64), 2).resize((32, 32), 2),
    "less contrast": lambda one: ImageEnhance.Contrast(one).enhance(0.9),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_near_copies_are_found(change: Callable[[Image.Image], Image.Image]) -> None:
    """After changes that leave the picture the same; in any order of batches."""
    images = scenes(120)
    copies = found(images, changed(images[:40], change))
    assert copies.groups == tuple((i, 120 + i) for i in range(40))


def test_exact_copies_are_found_among_any_images() -> None:
    """Of noise too, which no thumbnail shows; threes stay together."""
    images = np.random.default_rng(0).integers(0, 256, (30, 3, 5, 7), dtype=np.uint8)
    copies = found(images, images[3:5], images[4:5])
    assert copies == Copies(groups=((3, 30), (4, 31, 32)), exact=(30, 31, 32))


def test_different_images_are_no_copies() -> None:
    """Digits resemble one another, and the darkest and plainest images do too."""
    digits = (load_digits().images * 255 / 16).astype(np.uint8)
    assert found(np.repeat(digits[:, None], 3, axis=1)) == Copies()
    assert found(scenes(300)) == Copies()
    rng = np.random.default_rng(0)
    assert found(rng.integers(0, 3, (200, 3, 8, 8), dtype=np.uint8)) == Copies()
    ramps = np.arange(60, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 3, 8, 8), np.uint8)
    assert found(ramps, ramps) == Copies()  # of one colour


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_images_can_be_compared(n: int) -> None:
    assert found(scenes(4)[:n]) == Copies()
    assert len(found(scenes(4)[:n], scenes(4)[:n]).groups) == n


def test_what_is_redundant() -> None:
    """Training images with a copy in the test set, and all but the first of the others."""
    copies = Copies(groups=((0, 1, 2), (3, 11), (4, 5, 10, 12), (13, 14)))
    assert copies.redundant(10) == (1, 2, 3, 4, 5)
    assert copies.within(10) == ((0, 1, 2), (4, 5))


def test_copies_are_counted() -> None:
    """Exact and near ones, of training and test images, and those of another class."""
    copies = Copies(groups=((0, 1, 2), (3, 11), (4, 5, 10)), exact=(1, 11))
    train = Part(np.array([0, 0, 1, 1, 0, 0, 0, 0, 0, 0]), iter(()))
    test = Part(np.array([0, 1]), iter(()), Origins(names=("t0.png", "t1.png")))
    counts = CopyCounts.of(copies, train, test)
    assert (counts.n_train, counts.n_exact_train) == (3, 1)
    assert (counts.n_test, counts.n_exact_test) == (2, 1)
    assert counts.n_contradictory == 1
    assert counts.examples[0] == ("training image 3", "t1.png")
    assert not list(CopyCounts().lines())
    assert "2 TEST IMAGES" in next(counts.lines())


def test_a_dataset_names_its_copies(tmp_path: Path, prepare: Any, recorder: Any) -> None:
    """Each time, also when it is not decoded again; drop_duplicates leaves them out."""
    root = tmp_path / "d"
    for part, n in (("train", 12), ("test", 4)):
        for label in "ab":
            write_images(root / part / label, n, seed=ord(label) + n)
    shutil.copy(root / "train/a/003.png", root / "test/b/copy.png")
    shutil.copy(root / "train/b/005.png", root / "train/b/more.png")
    for _ in range(2):
        recorder.notices.clear()
        info = prepare(root)
        test, train, label = (
            one for one in recorder.notices if "TEST" in one or "cop" in one or "also" in one
        )
        assert "1 TEST IMAGES ALSO" in test
        assert "'test/b/copy.png' (copy of 'train/a/003.png')" in test
        assert "1 training image is a copy of another" in train
        assert "another class" in label
    assert len(load_copies(info).groups) == 2
    dropped = prepare(root, drop_duplicates=True)
    assert (dropped.n_train, dropped.n_test) == (info.n_train - 2, info.n_test)
    names = load_origins(dropped)[0].names
    assert "train/a/003.png" not in names
    assert len(names) == len(load_train_split(dropped).labels) == dropped.n_train
    assert read_info(dropped.cache_dir).copies == CopyCounts()


def test_a_test_set_of_all_training_images_cannot_be_dropped(tmp_path: Path, prepare: Any) -> None:
    for label in "ab":
        write_images(tmp_path / "d" / "train" / label, 5, seed=ord(label))
    (tmp_path / "d" / "test").symlink_to(tmp_path / "d" / "train")
    with pytest.raises(UserError, match="no training image of class 'a'"):
        prepare(tmp_path / "d", drop_duplicates=True)
