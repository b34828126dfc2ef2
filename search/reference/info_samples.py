"""A few images of every class, drawn by a fixed seed. Pure."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from search.data.dataset import TrainSplit
from search.seeding import derive_seed

Images = npt.NDArray[np.uint8]

MOST_CLASSES = 20
MOST_IMAGES = 8
MOST_PIXELS = 128
_WIDEST_ROW = 16  # a row's width over its height: flatter rows have no room for their name
_SEED = 0


class SamplesInfo(NamedTuple):
    """`images[i]` are uint8 (M, 3, H, W) of the class `class_names[i]`, M at most MOST_IMAGES.

    `n_classes` counts the dataset's classes, those left out too.
    """

    class_names: tuple[str, ...]
    images: tuple[Images, ...]
    n_classes: int


def samples_info(split: TrainSplit, indices: Tensor, class_names: tuple[str, ...]) -> SamplesInfo:
    """Return samples of the images that `indices`, int64 (M,), names; of no other image.

    A class's samples do not depend on the other classes. Images of more than MOST_PIXELS a side
    are made smaller; of more than MOST_CLASSES classes as many are taken at even distances; wide
    images come fewer to a class.
    """
    shown = _at_even_distances(len(class_names), MOST_CLASSES)
    height, width = split.images.shape[2:]
    n_images = max(1, min(MOST_IMAGES, _WIDEST_ROW * height // width))
    labels = split.labels[indices]
    chosen = [_draw(indices[labels == label], n_images, label) for label in shown]
    return SamplesInfo(
        class_names=tuple(class_names[label] for label in shown),
        images=tuple(_at_most(split.images[one], MOST_PIXELS).numpy() for one in chosen),
        n_classes=len(class_names),
    )


def _at_even_distances(n: int, most: int) -> list[int]:
    """Return at most `most` of the numbers below n, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, n - 1, min(n, most)).tolist()})


def _draw(of_class: Tensor, n: int, label: int) -> Tensor:
    rng = np.random.default_rng(derive_seed(_SEED, "analysis", "samples", label))
    places = rng.choice(len(of_class), min(n, len(of_class)), replace=False)
    return of_class[torch.from_numpy(places)]


def _at_most(images: Tensor, most: int) -> Tensor:
    """Return uint8 (M, 3, H, W) images reduced to at most `most` pixels a side, by area."""
    height, width = images.shape[2:]
    scale = most / max(height, width)
    if scale >= 1:
        return images
    size = (max(1, round(scale * height)), max(1, round(scale * width)))
    return interpolate(images.float(), size, mode="area").round().to(torch.uint8)
