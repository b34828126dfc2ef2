"""What a classifier accepts as images: files, pictures, arrays and tensors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from search.data.arrays import pixels_of_arrays
from search.data.dataset import Images, Resize
from search.data.pixel_values import Scale
from search.data.pixels import as_seen, fitted
from search.errors import UserError


@runtime_checkable
class SupportsNumpy(Protocol):
    """A column of a table, of pandas or polars."""

    def to_numpy(self) -> npt.NDArray[Any]:
        """Return its values."""


Inputs: TypeAlias = (
    str | Path | Image.Image | Sequence[Any] | npt.NDArray[Any] | torch.Tensor | SupportsNumpy
)
"""Paths of image files, PIL images, or an array or tensor: (N, H, W), (N, H, W, C), (N, C, H, W).

Values of arrays are whole numbers in 0..255, or floats in 0..1; for a network that was trained on
arrays of another range, in that range.
"""

_COLOURS = (3, 4)  # channels that come last; no image is as narrow


def paths_of(images: Inputs) -> list[Path] | None:
    """Return the paths of image files; None if they are not files."""
    if isinstance(images, str | Path):
        return [Path(images)]
    if isinstance(images, SupportsNumpy):
        images = images.to_numpy()
    if isinstance(images, np.ndarray) and images.dtype.kind in "UO":
        images = images.tolist()
    if not isinstance(images, list | tuple) or not images:
        return None
    return [Path(one) for one in images] if _all(images, str | Path) else None


def pixels_of(
    images: Inputs, size: tuple[int, int], resize: Resize, known: Scale | None = None
) -> Images:
    """Return images that are not files as uint8 (N, 3, H, W), fitted as a dataset's are.

    Args:
        images: PIL images, or an array or tensor.
        size: Height and width.
        resize: How an image of another shape is fitted.
        known: What the numbers meant that the network was trained on; None: they were files.

    Raises:
        UserError: They are not images.
    """
    if isinstance(images, Image.Image):
        images = [images]
    if isinstance(images, list | tuple):
        if not images:
            return np.zeros((0, 3, *size), dtype=np.uint8)
        if _all(images, Image.Image):
            return np.stack([_fitted(one, size, resize) for one in images])
    if isinstance(images, torch.Tensor):  # NumPy takes neither bfloat16 nor tensors with a gradient
        images = images.detach().cpu()
        images = images.float() if images.is_floating_point() else images
    try:
        array = np.asarray(images)
    except ValueError as error:
        raise UserError(
            "images: must be all paths, all PIL images, or arrays of one shape, got "
            f"{_kinds(images)}"
        ) from error
    if array.dtype.kind not in "iubf" or not array.ndim:
        raise UserError(
            f"images: must be paths, PIL images, or an array of numbers, got {_kinds(images)}"
        )
    if array.ndim == 3 and array.shape[2] in _COLOURS:
        raise UserError(
            f"images: shape {array.shape} is that of one image; accepted: a batch such as "
            "images[None], of shape (N, H, W, C)"
        )
    return pixels_of_arrays(array, size, resize, known)


def _kinds(images: object) -> str:
    """Return what was given in words, such as "a list of bytes, str"."""
    if not isinstance(images, list | tuple):
        return "None" if images is None else type(images).__name__
    names = dict.fromkeys(type(one).__name__ for one in images)
    return f"a {type(images).__name__} of {', '.join(names)}"


def _all(values: Sequence[Any], kind: Any) -> bool:
    return all(isinstance(one, kind) for one in values)


def _fitted(image: Image.Image, size: tuple[int, int], resize: Resize) -> Images:
    try:
        picture = fitted(as_seen(image), size[::-1], resize)
    except ValueError as error:
        raise UserError(f"images: a picture of mode {image.mode!r}: {error}") from error
    return np.asarray(picture, dtype=np.uint8).transpose(2, 0, 1)
