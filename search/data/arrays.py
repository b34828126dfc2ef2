"""Arrays of images and labels, in one .npz file or in .npy files of one folder, as a dataset."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from PIL import Image

from search.data.dataset import (
    Content,
    DatasetRequest,
    Images,
    Labels,
    Origins,
    Part,
    Resize,
    Source,
)
from search.data.file_source import DEFAULT_SIDE, TEST_SEED, dataset_name
from search.data.group_splits import set_aside, shared_groups
from search.data.npy import read_arrays, read_npy
from search.data.pixel_values import PLAIN, Scale
from search.data.pixels import fitted
from search.data.sums import file_states
from search.errors import UserError
from search.events import Listener, StepProgress
from search.text import listed_names

# What the arrays of images and labels of each part may be called, in any capitals.
_NAMES = {
    "train": (
        ("train_images", "train_labels"),
        ("x_train", "y_train"),
        ("images", "labels"),
        ("x", "y"),
        ("data", "targets"),
        ("arr_0", "arr_1"),
    ),
    "val": (("val_images", "val_labels"), ("x_val", "y_val"), ("x_valid", "y_valid")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}
_NO_ARRAYS = ("pickled (object) data", "not a zip file")  # NumPy's words for any other file
VALIDATION_JOINS = (
    "dataset: the validation images join those for training, unless validation is 'given': a study "
    "makes its own validation split"
)
_CHANNELS = (1, 3, 4)
_BATCH = 1024
_DARK = 128  # half of white

Array = npt.NDArray[Any]


@final
@dataclass(frozen=True, eq=False)
class LabelledArrays:
    """Images of any shape and dtype that are understood, and one label each.

    Attributes:
        groups: What each of them shows, (N,); None: they are independent.
        n_validation: How many of them, the last ones, were set aside for validation.
    """

    images: Array
    labels: Array
    groups: Array | None = None
    n_validation: int = 0

    def origins(self, indices: Labels) -> Origins:
        """Return the origins of the images at some indices."""
        first = len(self.images) - self.n_validation
        groups = () if self.groups is None else tuple(map(str, self.groups[indices].tolist()))
        return Origins(groups=groups, validation=tuple(np.flatnonzero(indices >= first).tolist()))


@final
class ArraySource(Source):
    """`train_images`, `train_labels`, `test_images`, ... in an .npz file, or as .npy files.

    Names are those of MedMNIST, of Keras (`x_train`), or just `images` and `labels`. Without a
    test set, a stratified `test_fraction` is set aside. `groups` names an array with one value for
    each image: `patient`, or `train_patient`, `val_patient` and `test_patient`.
    """

    grouped = True

    accepts = "an .npz file of images and labels (or a folder of .npy files)"
    title = "the .npz file"

    def __init__(self, path: Path, request: DatasetRequest) -> None:
        self._path = path.resolve()
        self._request = request

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        with suppress(OSError, ValueError):  # not a valid path
            path = Path(request.dataset or "/")
            if path.suffix.lower() == ".npy" and path.is_file():
                path = path.parent
            if (path.suffix.lower() == ".npz" and path.is_file()) or _array_files(path):
                return cls(path, request)
        return None

    @property
    def name(self) -> str:
        return dataset_name(self._path.stem)

    def fingerprint(self) -> str:
        """Return a hash of the settings and of each file's path, size and time of change."""
        request = self._request
        settings = (request.image_size, request.resize, request.test_fraction, request.groups)
        digest = hashlib.sha256(f"arrays 2 {settings} {TEST_SEED}\n".encode())
        digest.update(file_states(self.watched_files()))
        return digest.hexdigest()

    def watched_files(self) -> Sequence[Path]:
        return _array_files(self._path) or [self._path]

    def read(self, listener: Listener) -> Content:
        parts, found = dict(self._parts), list[str]()
        train, val = parts["train"], parts.get("val")
        if val is not None:
            train = joined_arrays(train, val)
            found.append(VALIDATION_JOINS)
        listener(StepProgress(f"Reading {self.name}", len(train.labels), len(train.labels)))
        return content_of_arrays(train, parts.get("test"), self._request, found)

    @cached_property
    def _parts(self) -> Mapping[str, LabelledArrays]:
        """The parts that are there; raises UserError."""
        try:
            files = _array_files(self._path)
            arrays = {path.stem: read_npy(path) for path in files} or read_arrays(self._path)
        except (OSError, ValueError) as error:
            if "Object arrays" in str(error):
                raise UserError(
                    f"dataset: {self._path} has an array of Python objects; accepted: arrays of "
                    "numbers or of text (array.astype(str))"
                ) from error
            no_file = any(words in str(error) for words in _NO_ARRAYS)
            reason = "it is damaged, or holds no arrays" if no_file else error
            raise UserError(f"dataset: {self._path} cannot be read: {reason}") from error
        lower = {name.lower(): array for name, array in arrays.items()}
        parts = dict(_named_parts(lower, self._request.groups))
        if "train" not in parts:
            accepted = " or ".join(f"{images} and {labels}" for images, labels in _NAMES["train"])
            raise UserError(
                f"dataset: {self._path} has arrays {listed_names(sorted(arrays)) or 'none'}; "
                f"accepted: {accepted}"
            )
        return parts


def _array_files(folder: Path) -> list[Path]:
    """Return the .npy files of a folder if some are images to train on."""
    files = sorted(path for path in folder.glob("*.npy") if path.is_file())
    stems = {path.stem.lower() for path in files}
    return files if any(images in stems for images, _ in _NAMES["train"]) else []


def _named_parts(
    arrays: Mapping[str, Array], groups: str | None
) -> Iterator[tuple[str, LabelledArrays]]:
    for part, names in _NAMES.items():
        for images, labels in names:
            if part != "train" and images in arrays and labels not in arrays:
                raise UserError(
                    f"dataset: there is an array {images!r} without {labels!r}, its classes; there "
                    f"are {listed_names(sorted(arrays))}"
                )
            if images in arrays and labels in arrays:
                group = None if groups is None else _group(arrays, part, groups.lower())
                yield part, LabelledArrays(arrays[images], arrays[labels], group)
                break


def _group(arrays: Mapping[str, Array], part: str, groups: str) -> Array:
    """Return the groups of a part; raises UserError if there are none."""
    names = (f"{part}_{groups}", groups) if part == "train" else (f"{part}_{groups}",)
    for name in names:
        if name in arrays:
            return arrays[name].reshape(-1)
    raise UserError(
        f"groups: there is no array {' or '.join(map(repr, names))}; there are "
        f"{listed_names(sorted(arrays))}"
    )


def joined_arrays(first: LabelledArrays, second: LabelledArrays) -> LabelledArrays:
    """Return both; the second were set aside for validation. Raises UserError if they differ."""
    types = f"{first.images.dtype} and {second.images.dtype}"
    if first.images.dtype.kind != second.images.dtype.kind:  # of two scales, perhaps
        raise UserError(f"dataset: training and validation images are of two types: {types}")
    try:
        images = np.concatenate([first.images, second.images])
        labels = np.concatenate([first.labels, second.labels])
        groups = None
        if first.groups is not None and second.groups is not None:
            groups = np.concatenate([first.groups, second.groups])
        return LabelledArrays(images, labels, groups, len(second.images))
    except ValueError as error:
        raise UserError(f"dataset: training and validation images differ: {error}") from error


def content_of_arrays(
    train: LabelledArrays,
    test: LabelledArrays | None,
    request: DatasetRequest,
    found: list[str],
    class_names: tuple[str, ...] | None = None,
) -> Content:
    """Return arrays as a dataset.

    Args:
        train: Images, grey (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels, of
            whole numbers or floats in 0..1, -1..1 or 0..255; labels (N,), (N, 1) or one-hot.
        test: The test set; None: a stratified part of the images is set aside.
        request: Size, and how images are fitted.
        found: Gets a line for what the user should know.
        class_names: What the labels 0, 1, ... are called; None: the labels themselves.

    Raises:
        UserError: The arrays are not images and labels.
    """
    values = plain_labels(train, "training")
    classes = np.unique(values) if class_names is None else np.arange(len(class_names))
    labels = _indices(values, classes, "training")
    names = class_names or tuple(str(value) for value in classes.tolist())
    if len(names) < 2:
        raise UserError(f"dataset: labels must be of at least 2 classes, got {listed_names(names)}")
    scale = Scale.of(train.images)
    images = _channels_first(train.images)
    size = _size(images.shape[2:], request, found)
    origins = train.origins(np.arange(len(labels)))
    if test is not None:
        test_scale = Scale.of(test.images, "dataset: test images", scale)
        tested_images = _channels_first(test.images)
        if tested_images.shape[2:] != images.shape[2:]:
            found.append(
                f"dataset: training images are {_pixels_of(images)}, test images "
                f"{_pixels_of(tested_images)}; all are scaled to {size[1]}x{size[0]}"
            )
        test_labels = _indices(plain_labels(test, "test"), classes, "test")
        tested = test.origins(np.arange(len(test_labels)))
        found += shared_groups(origins.groups, tested.groups)
        test_part = _part(tested_images, test_labels, tested, test_scale, size, request)
        train_part = _part(images, labels, origins, scale, size, request)
    else:
        fraction = request.test_fraction
        (split,) = set_aside(labels, origins.groups, fraction, TEST_SEED, names)
        train_part, test_part = (
            _part(images[chosen], labels[chosen], train.origins(chosen), scale, size, request)
            for chosen in (split.train, split.validation)
        )
    if scale.kind == "floats" and scale.high > 1 and train.images.max() < _DARK:
        found.append(
            f"dataset: images are floats up to {train.images.max():g} and taken for 0..255, so "
            "they are dark; divide them by their greatest value if that is white"
        )
    return Content(names, (3, *size), train_part, test_part, found, scale=scale)


def plain_labels(part: LabelledArrays, words: str) -> Array:
    """Return one label per image, (N,): whole numbers, truth values or text."""
    labels = part.labels
    if labels.ndim == 2 and labels.shape[1] > 1 and _is_one_hot(labels):
        labels = labels.argmax(1)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise UserError(
            f"dataset: {words} labels must be one per image, got an array of {list(labels.shape)}"
        )
    if not len(part.images):
        raise UserError(f"dataset: there are no {words} images")
    if len(labels) != len(part.images):
        raise UserError(
            f"dataset: there are {len(part.images):,} {words} images and {len(labels):,} labels"
        )
    if part.groups is not None and part.groups.shape != (len(part.images),):
        raise UserError(
            f"groups: there are {len(part.images):,} {words} images, and groups of the shape "
            f"{list(part.groups.shape)}"
        )
    if labels.dtype.kind == "f" and bool((labels == np.round(labels)).all()):
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8")
    if labels.dtype.kind not in "iubU":
        missing = labels.dtype.kind == "f" and np.isnan(labels)
        shown = f"NaN for image {np.argmax(missing)}" if np.any(missing) else str(labels.dtype)
        raise UserError(f"dataset: {words} labels must be whole numbers or text, got {shown}")
    return labels


def _is_one_hot(labels: Array) -> bool:
    return labels.dtype.kind in "iubf" and bool(
        ((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all()
    )


def _indices(values: Array, classes: Array, words: str) -> Labels:
    known = np.isin(values, classes)
    if not known.all():
        unknown = [str(value) for value in np.unique(values[~known]).tolist()]
        raise UserError(
            f"dataset: {words} images have labels that no class has: {listed_names(unknown)}"
        )
    return np.searchsorted(classes, values).astype(np.int64)


def _channels_first(images: Array, named: str = "dataset: images") -> Array:
    """Return images as (N, C, H, W), without copying."""
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[3] in _CHANNELS:
        return images.transpose(0, 3, 1, 2)
    if images.ndim == 4 and images.shape[1] in _CHANNELS:
        return images
    raise UserError(
        f"{named} must be (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 "
        f"channels, got an array of {list(images.shape)}"
    )


def _pixels_of(images: Array) -> str:
    """Return the width and height of images (N, C, H, W) in words."""
    return f"{images.shape[3]}x{images.shape[2]}"


def _size(own: tuple[int, ...], request: DatasetRequest, found: list[str]) -> tuple[int, int]:
    if request.image_size is not None:
        return request.image_size, request.image_size
    height, width = own
    if max(own) <= DEFAULT_SIDE:
        return height, width
    found.append(
        f"dataset: images are {width}x{height} pixels; they are scaled to {DEFAULT_SIDE}x"
        f"{DEFAULT_SIDE} (image_size chooses another size, resize how they are fitted)"
    )
    return DEFAULT_SIDE, DEFAULT_SIDE


def _part(
    images: Array,
    labels: Labels,
    origins: Origins,
    scale: Scale,
    size: tuple[int, int],
    request: DatasetRequest,
) -> Part:
    starts = range(0, len(images), _BATCH)
    batches = (_pixels(images[i : i + _BATCH], scale, size, request.resize) for i in starts)
    return Part(labels, batches, origins)


def pixels_of_arrays(
    images: Array, size: tuple[int, int], resize: Resize, known: Scale | None = None
) -> Images:
    """Return images as uint8 (N, 3, H, W), by the rules for a dataset of arrays.

    Args:
        images: As for `content_of_arrays`.
        size: Height and width.
        resize: How images of another shape are fitted.
        known: The scale of the images that the network was trained on; None: they were files.

    Raises:
        UserError: They are not images.
    """
    shaped = _channels_first(images, "images:")
    scale = Scale.of(images, "images:", known or PLAIN)
    parts = [
        _pixels(shaped[i : i + _BATCH], scale, size, resize) for i in range(0, len(shaped), _BATCH)
    ]
    return np.concatenate(parts)


def _pixels(images: Array, scale: Scale, size: tuple[int, int], resize: str) -> Images:
    """Return images (N, C, H, W) in RGB and of a size; transparent ones on white."""
    pixels = scale.applied(images)
    if pixels.shape[1] == 4:
        alpha = pixels[:, 3:].astype(np.float64) / 255
        pixels = np.round(pixels[:, :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    rgb = np.broadcast_to(pixels, (len(pixels), 3, *pixels.shape[2:]))
    if rgb.shape[2:] != size:
        rgb = np.stack([_resized(image, size, resize) for image in rgb])
    return np.ascontiguousarray(rgb)


def _resized(image: Images, size: tuple[int, int], resize: str) -> Images:
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    return np.asarray(fitted(picture, size[::-1], resize)).transpose(2, 0, 1)
