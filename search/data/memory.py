"""Datasets from Python: arrays of images and labels, and torch Datasets.

A recipe names its dataset by a text. `store_source` decodes any source into the cache, and returns
the text that names it from then on, so that a study of arrays can be resumed and repeated, from the
command line too:

    source = arrays_source(images, labels)  # or dataset_source(dataset)
    recipe = Recipe(space="cnn", dataset=store_source(source, data_dir, listener), ...)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from search.data.arrays import (
    VALIDATION_JOINS,
    LabelledArrays,
    content_of_arrays,
    joined_arrays,
)
from search.data.cache import open_or_build
from search.data.dataset import Content, DatasetRequest, Images, Resize, Source
from search.data.file_source import DEFAULT_SIDE, TEST_SEED, dataset_name
from search.data.pixels import as_seen, fitted
from search.errors import UserError
from search.events import Listener, StepProgress, fan_out

_STEP = 500  # images between two messages
_SILENT = fan_out()


@final
class MemorySource(Source):
    """Arrays that a program has; `arrays_source` and `dataset_source` make one."""

    title = "the arrays"

    def __init__(
        self,
        train: LabelledArrays,
        test: LabelledArrays | None,
        request: DatasetRequest,
        class_names: tuple[str, ...] | None,
    ) -> None:
        self._train, self._test = train, test
        self._request, self._class_names = request, class_names

    @property
    def name(self) -> str:
        return dataset_name(self._request.dataset)

    def fingerprint(self) -> str:
        """Return a hash of the settings and of all values."""
        request = self._request
        settings = (request.image_size, request.resize, request.test_fraction, TEST_SEED)
        digest = hashlib.sha256(f"memory 1 {settings} {self._class_names}\n".encode())
        for part in (self._train, self._test):
            for values in () if part is None else (part.images, part.labels, part.groups):
                if values is None:
                    continue
                digest.update(f"{values.dtype.str} {values.shape}\n".encode())
                if values.size:  # dates have no buffer of their own, and nothing none at all
                    digest.update(np.ascontiguousarray(values).view(np.uint8).data.cast("B"))
        if self._train.n_validation:
            digest.update(f"{self._train.n_validation} for validation\n".encode())
        return digest.hexdigest()

    def read(self, listener: Listener) -> Content:  # noqa: ARG002 - nothing takes long
        found = [VALIDATION_JOINS] if self._train.n_validation else []
        return content_of_arrays(self._train, self._test, self._request, found, self._class_names)


def arrays_source(
    images: Any,
    labels: Any,
    *,
    val: tuple[Any, Any] | None = None,
    test: tuple[Any, Any] | None = None,
    groups: Any = None,
    class_names: Sequence[str] | None = None,
    name: str = "arrays",
    image_size: int | None = None,
    resize: Resize = "crop",
    test_fraction: float = 0.1,
) -> MemorySource:
    """Return a dataset of arrays or tensors.

    Args:
        images: Grey (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels, of whole
            numbers or floats in 0..1, -1..1 or 0..255.
        labels: (N,), (N, 1) or one-hot; whole numbers or texts.
        val: Images and labels for validation "given"; other studies train on them, too.
        test: Images and labels of the test set; None: a stratified part of the images is set aside.
        groups: (N,): which images stay together in folds and test set, such as the patient of
            each; those of `val` follow. None: the images are independent.
        class_names: What the labels 0, 1, ... are called; None: the labels themselves.
        name: The dataset's name.
        image_size: Height and width in pixels; None: the images' own, at most 64.
        resize: How an image of another shape is fitted.
        test_fraction: Fraction of the images to set aside if there is no test set.

    Raises:
        UserError: What is given is no array; what is in it is checked when it is stored.
    """
    request = DatasetRequest(name, Path(), image_size, resize, test_fraction)
    names = None if class_names is None else tuple(map(str, class_names))
    tested = None if test is None else LabelledArrays(_array(test[0]), _array(test[1]))
    train = LabelledArrays(_array(images), _array(labels))
    given = None if val is None else LabelledArrays(_array(val[0]), _array(val[1]))
    return MemorySource(_to_train_on(train, given, groups), tested, request, names)


def dataset_source(
    dataset: "Dataset[Any]",
    *,
    val: "Dataset[Any] | None" = None,
    test: "Dataset[Any] | None" = None,
    groups: Any = None,
    class_names: Sequence[str] | None = None,
    name: str = "dataset",
    image_size: int | None = None,
    resize: Resize = "crop",
    test_fraction: float = 0.1,
    listener: Listener = _SILENT,
) -> MemorySource:
    """Return a dataset of a torch Dataset, each item of which is read once, here.

    Args:
        dataset: Has a length; each item is an image (a PIL image, an array (H, W) or (H, W, C), or
            a tensor (H, W) or (C, H, W)) and a label. It must not augment: the search does.
        val: The same for validation "given"; other studies train on it, too.
        test: The same for the test set; None: a stratified part of the images is set aside.
        groups: As for `arrays_source`.
        class_names: What the labels 0, 1, ... are called; None: `dataset.classes`, as torchvision's
            datasets have it, or the labels themselves.
        name: The dataset's name.
        image_size: Height and width in pixels; None: those of the first image, at most 64.
        resize: How an image of another shape is fitted.
        test_fraction: Fraction of the images to set aside if there is no test set.
        listener: Hears how many items are read.

    Raises:
        UserError: An item is not an image and its label, or differs when it is read again.
    """
    called = getattr(dataset, "classes", None) if class_names is None else class_names
    names = None if called is None else tuple(map(str, called))
    request = DatasetRequest(name, Path(), image_size, resize, test_fraction)
    parts = {"train": dataset, "val": val, "test": test}
    given = {name: part for name, part in parts.items() if part is not None}
    if not all(map(len, given.values())):  # type: ignore[arg-type]  # torch's base class lacks it
        raise UserError("data: the dataset is empty")
    first, _ = _item(dataset, 0)
    size = (image_size, image_size) if image_size is not None else usual_size(first.shape[-2:])
    read = {name: _all_items(part, size, resize, listener) for name, part in given.items()}
    train = _to_train_on(read["train"], read.get("val"), groups)
    return MemorySource(train, read.get("test"), request, names)


def _to_train_on(train: LabelledArrays, val: LabelledArrays | None, groups: Any) -> LabelledArrays:
    """Return the images of both, with their groups if there are any."""
    if val is not None:
        train = joined_arrays(train, val)
    return train if groups is None else replace(train, groups=_array(groups))


def store_source(source: Source, data_dir: Path, listener: Listener) -> str:
    """Decode a source into the cache under `data_dir`; return what names it for `--dataset`.

    Raises:
        UserError: The source is not valid.
        OSError: The cache cannot be written.
    """
    return str(open_or_build(source, data_dir, listener).cache_dir)


def _array(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        whole = values.detach().cpu()
        values = (whole.float() if whole.dtype == torch.bfloat16 else whole).numpy()
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise UserError(f"data: images must all have the same shape: {error}") from error
    return array if array.dtype.kind != "O" else _without_objects(array, type(values).__name__)


def _without_objects(array: np.ndarray, given: str) -> np.ndarray:
    """Return texts, or numbers, of an array of Python's objects, as pandas makes them."""
    for kind in (str, int):
        if array.ndim == 1 and array.size and all(type(one) is kind for one in array):
            return np.array(array.tolist())
    raise UserError(f"data: {given} is not an array of numbers or labels")


def usual_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return an image's own height and width, or the default for larger ones."""
    height, width = shape
    return (height, width) if max(height, width) <= DEFAULT_SIDE else (DEFAULT_SIDE, DEFAULT_SIDE)


def _all_items(
    dataset: "Dataset[Any]", size: tuple[int, int], resize: str, listener: Listener
) -> LabelledArrays:
    """Return a dataset's images, uint8 (N, 3, H, W), and labels."""
    total: int = dataset.__len__()  # type: ignore[attr-defined]  # torch's base class lacks it
    images, labels = np.empty((total, 3, *size), np.uint8), []
    for index in range(total):
        image, label = _item(dataset, index)
        if index == 0 and not np.array_equal(image, _item(dataset, index)[0]):
            raise UserError(
                "data: the first image is another one each time it is read; give a dataset without "
                "augmentation, which a search chooses"
            )
        images[index] = fitted_pixels(image, size, resize)
        labels.append(label)
        if (index + 1) % _STEP == 0 or index + 1 == total:
            listener(StepProgress("Reading the dataset", index + 1, total))
    return LabelledArrays(images, np.array(labels))


def _item(dataset: "Dataset[Any]", index: int) -> tuple[Images, Any]:
    """Return an item's image as uint8 (3, H, W) and its label."""
    item = dataset[index]
    if not isinstance(item, tuple | list) or len(item) < 2:
        raise UserError(f"data: item {index} must be an image and its label, got {_kind(item)}")
    image, label = item[0], item[1]
    if isinstance(label, torch.Tensor | np.ndarray | np.generic):
        values = _array(label)
        label = values.item() if values.size == 1 else values.tolist()
    if not isinstance(label, int | float | str):  # of floats, only whole ones are labels
        raise UserError(f"data: the label of item {index} must be one number or text, got {label}")
    return _pixels(image, index), label


def _pixels(image: Any, index: int) -> Images:
    """Return an image of any accepted kind as uint8 (3, H, W)."""
    if isinstance(image, Image.Image):
        return np.asarray(as_seen(image)).transpose(2, 0, 1)
    if not isinstance(image, torch.Tensor | np.ndarray):
        raise UserError(f"data: item {index} has a {_kind(image)} where an image was expected")
    values = _array(image)
    if values.ndim == 3 and isinstance(image, torch.Tensor):
        values = values.transpose(1, 2, 0)  # a tensor's channels come first, an array's last
    values = values[..., None] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[2] not in (1, 3):
        raise UserError(f"data: item {index} has the shape {list(image.shape)}; 1 or 3 channels")
    return np.broadcast_to(_bytes(values, index), (*values.shape[:2], 3)).transpose(2, 0, 1)


def _bytes(values: np.ndarray, index: int) -> Images:
    """Return numbers as uint8; the range is the type's, as one image does not show it."""
    if values.dtype == np.uint8:
        return values
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        return np.round(values.astype(np.float64) * 255).astype(np.uint8)
    raise UserError(
        f"data: item {index} must hold whole numbers in 0..255 (uint8) or floats in 0..1, got "
        f"{values.dtype} in {low:g}..{high:g}; give the dataset without normalization"
    )


def fitted_pixels(image: Images, size: tuple[int, int], resize: str) -> Images:
    """Return an image, uint8 (3, H, W), with another height and width."""
    if image.shape[1:] == size:
        return image
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    return np.asarray(fitted(picture, size[::-1], resize)).transpose(2, 0, 1)


def _kind(value: object) -> str:
    return type(value).__name__
