"""Datasets from Python: arrays, tensors and torch Datasets, stored under a text."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset

from search.data.cache import CachePaths, load_train_split
from search.data.memory import arrays_source, dataset_source, store_source
from search.errors import UserError
from search.events import fan_out

N = 24
LABELS = np.arange(N) % 3


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@final
class Items(Dataset[Any]):
    """Items that a function makes of their index."""

    def __init__(self, item: Callable[[int], Any], n: int = N) -> None:
        self._item, self._n = item, n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: int) -> Any:
        return self._item(index)


IMAGES = noise(N, 8, 6, 3)
AS_ITEMS: dict[str, Callable[[int], Any]] = {
    "PIL": lambda i: Image.fromarray(IMAGES[i]),
    "array": lambda i: IMAGES[i],
    "bytes": lambda i: torch.from_numpy(IMAGES[i]).permute(2, 0, 1),
    "floats": lambda i: torch.from_numpy(IMAGES[i]).permute(2, 0, 1).float() / 255,
}


@pytest.mark.parametrize("kind", AS_ITEMS)
@pytest.mark.parametrize(
    "label",
    [int, torch.tensor, np.int64, float, lambda label: torch.tensor([label])],
    ids=["int", "tensor", "numpy", "float", "tensor of one"],
)
def test_items_of_any_kind_give_the_same_dataset(
    kind: str, label: Callable[[int], Any], prepare: Any, data_dir: Path, recorder: Any
) -> None:
    """Images and labels of a torch Dataset are those of its items, whatever they are made of."""
    dataset = Items(lambda i: (AS_ITEMS[kind](i), label(int(LABELS[i]))))
    source = dataset_source(dataset, test=dataset, class_names=["a", "b", "c"], listener=recorder)
    info = prepare(store_source(source, data_dir, recorder))
    split = load_train_split(info)
    assert np.array_equal(split.images.numpy(), IMAGES.transpose(0, 3, 1, 2))
    assert np.array_equal(split.labels.numpy(), LABELS)
    assert (info.class_names, info.n_test) == (("a", "b", "c"), N)
    assert recorder.steps[-1] == ("Reading the dataset", N, N)


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy, list], ids=lambda f: f.__name__)
def test_arrays_are_stored_and_found_again(
    convert: Any, prepare: Any, data_dir: Path, recorder: Any
) -> None:
    """The text that names stored arrays leads to the same images, without another copy."""
    images, labels = convert(IMAGES), convert(LABELS)
    name = store_source(arrays_source(images, labels, name="my pets"), data_dir, recorder)
    info = prepare(name)
    assert str(info.cache_dir) == name
    assert (info.name, info.n_train + info.n_test) == ("my_pets", N)
    train = load_train_split(info).images.numpy()
    assert {one.tobytes() for one in train} <= {
        np.ascontiguousarray(one.transpose(2, 0, 1)).tobytes() for one in IMAGES
    }


def test_stored_arrays_can_be_used_from_another_data_dir(
    prepare: Any, data_dir: Path, tmp_path: Path, recorder: Any
) -> None:
    """A cache's folder is a dataset wherever it lies: the copy has the same fingerprint."""
    elsewhere = tmp_path / "elsewhere"
    name = store_source(arrays_source(IMAGES, LABELS), elsewhere, recorder)
    info = prepare(name)
    assert info.cache_dir.parent == data_dir.absolute() / "cache"
    for file in ("train_images", "test_images", "test_labels"):
        copied = getattr(CachePaths(info.cache_dir), file)
        assert copied.read_bytes() == getattr(CachePaths(Path(name)), file).read_bytes()


def test_other_values_are_another_dataset(data_dir: Path, recorder: Any) -> None:
    """The cache belongs to the values: one changed pixel, label or setting makes another."""
    changed, relabelled = IMAGES.copy(), LABELS.copy()
    changed[5, 0, 0, 0] ^= 1
    relabelled[5] = (relabelled[5] + 1) % 3
    sources = (
        arrays_source(IMAGES, LABELS),
        arrays_source(changed, LABELS),
        arrays_source(IMAGES, relabelled),
        arrays_source(IMAGES, LABELS, test_fraction=0.25),
        arrays_source(IMAGES, LABELS, class_names=["a", "b", "c"]),
        arrays_source(IMAGES, LABELS, image_size=4),
    )
    assert len({store_source(source, data_dir, recorder) for source in sources}) == len(sources)


def test_a_damaged_store_is_named(data_dir: Path, prepare: Any, recorder: Any) -> None:
    """What cannot be read again is told, with its folder, rather than used."""
    name = store_source(arrays_source(IMAGES, LABELS), data_dir, recorder)
    path = CachePaths(Path(name)).train_images
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UserError, match="damaged") as caught:
        prepare(name)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: dataset_source(Items(lambda i: IMAGES[i])), "an image and its label"),
        (lambda: dataset_source(Items(lambda i: ("x.png", 0))), "str where an image"),
        (lambda: dataset_source(Items(lambda i: (IMAGES[i], [1, 2]))), "label of item 0"),
        (lambda: dataset_source(Items(lambda i: (IMAGES[i] - 300.0, 0))), "without normalization"),
        (lambda: dataset_source(Items(lambda i: (IMAGES[i][..., :2], 0))), "1 or 3 channels"),
        (lambda: dataset_source(Items(lambda i: (IMAGES[i], 0), n=0)), "empty"),
        (lambda: arrays_source([IMAGES[0], IMAGES[0][:4]], [0, 1]), "same shape"),
        (lambda: arrays_source(IMAGES, [object()] * N), "not an array"),
    ],
)
def test_what_is_no_image_is_told_in_one_line(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_lost_store_is_named(data_dir: Path, prepare: Any, recorder: Any) -> None:
    """The images exist nowhere else on disk; another missing path is no dataset at all."""
    labels = np.arange(20) % 2
    named = store_source(arrays_source(np.zeros((20, 4, 4), np.uint8), labels), data_dir, recorder)
    shutil.rmtree(named)
    with pytest.raises(UserError, match=r"^dataset: the decoded images in .* are gone; the same"):
        prepare(named)
    with pytest.raises(UserError, match="is neither"):
        prepare(f"{named}0")


def test_floats_that_are_dark_are_told(data_dir: Path, recorder: Any) -> None:
    """Such as scikit-learn's digits, whose white is 16."""
    images, labels = np.arange(20 * 16).reshape(20, 4, 4) % 17 * 1.0, np.arange(20) % 2
    store_source(arrays_source(images, labels), data_dir, recorder)
    (told,) = [one for one in recorder.notices if "dark" in one]
    assert told.startswith("dataset: images are floats up to 16 and taken for 0..255")
    store_source(arrays_source(images / 16, labels), data_dir, recorder)
    assert len([one for one in recorder.notices if "dark" in one]) == 1


def test_dates_are_no_labels() -> None:
    """They have no buffer of their own to be summed, and are refused as floats are."""
    source = arrays_source(IMAGES, np.array(["2026-01-01", "2026-01-02"], "datetime64")[LABELS % 2])
    assert source.fingerprint()
    with pytest.raises(UserError, match=r"whole numbers or text, got datetime64"):
        source.read(fan_out())


def test_no_images_are_told_as_such() -> None:
    with pytest.raises(UserError, match="there are no training images") as caught:
        arrays_source(IMAGES[:0], LABELS[:0]).read(fan_out())
    assert "\n" not in str(caught.value)
    assert arrays_source(IMAGES[:0], LABELS[:0]).fingerprint()


def test_an_augmenting_dataset_is_refused() -> None:
    """Augmented images must not become the data: the search augments what it trains on."""
    rng = np.random.default_rng(0)
    dataset = Items(lambda i: (rng.permuted(IMAGES[i], axis=0), 0))
    with pytest.raises(UserError, match="without augmentation"):
        dataset_source(dataset)


def test_large_items_are_scaled_as_they_are_read() -> None:
    """Memory holds images of the size that is searched, whatever size the items have."""
    dataset = Items(lambda i: (Image.fromarray(noise(200, 300, 3, seed=i)), i % 2))
    content = dataset_source(dataset).read(print)
    assert content.image_shape == (3, 64, 64)
    assert dataset_source(dataset, image_size=16).read(print).image_shape == (3, 16, 16)


def test_classes_of_a_torchvision_dataset_keep_their_names(data_dir: Path, recorder: Any) -> None:
    dataset = Items(lambda i: (IMAGES[i], int(LABELS[i])))
    dataset.classes = ["cat", "dog", "owl"]  # type: ignore[attr-defined]
    content = dataset_source(dataset).read(recorder)
    assert content.class_names == ("cat", "dog", "owl")


def test_labels_of_items_that_are_no_classes_are_refused() -> None:
    """As in arrays: fractions and missing ones."""
    half, missing = (Items(lambda i: (IMAGES[i], i / 2)), Items(lambda i: (IMAGES[i], np.nan)))
    for items, words in (
        (half, "whole numbers or text, got float64"),
        (missing, "NaN for image 0"),
    ):
        with pytest.raises(UserError, match=words):
            dataset_source(items).read(fan_out())
