"""What a dataset is, and what a source of one has to provide."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self, final

import numpy as np
import numpy.typing as npt
import torch

from search.events import Listener


@final
@dataclass(frozen=True)
class DatasetInfo:
    """A dataset without its images.

    Attributes:
        name: What it is called.
        fingerprint: SHA-256 of the content; a study belongs to one fingerprint.
        class_names: The classes; labels index them.
        image_shape: (channels, height, width).
        n_train: Images to train and validate on.
        n_test: Images of the test set.
        cache_dir: Folder of the decoded arrays.
    """

    name: str
    fingerprint: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    n_train: int
    n_test: int
    cache_dir: Path


@final
@dataclass(frozen=True)
class TrainSplit:
    """The images that may be learned from: uint8 (N, 3, H, W) and int64 labels (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def to(self, device: str) -> "TrainSplit":
        """Return the split on a device; on the CPU the memory-mapped tensors themselves."""
        return TrainSplit(self.images.to(device), self.labels.to(device))


Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class Part:
    """One part of a dataset: int64 labels (N,) and, in the same order, batches of images.

    `batches` is read once and gives contiguous uint8 arrays (n, C, H, W), N images in all.
    """

    labels: Labels
    batches: Iterator[Images]


@final
@dataclass(frozen=True, eq=False)
class Content:
    """A dataset about to be written; `image_shape` is (channels, height, width)."""

    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train: Part
    test: Part


@final
@dataclass(frozen=True)
class DatasetRequest:
    """The settings that decide which dataset is used.

    Attributes:
        dataset: A source's keyword, a path, or "auto".
        data_dir: Where downloads and decoded images are kept.
        image_size: Pixels a side to scale images to; None: the source's own size.
        test_fraction: Share of the images to set aside where a source has no test set.
    """

    dataset: str
    data_dir: Path
    image_size: int | None = None
    test_fraction: float = 0.1


class Source(ABC):
    """Where a dataset comes from.

    Attributes:
        keyword: How `--dataset` names it; None where it is named by a path.
        accepts: What to give to `--dataset`, for messages and help.
        title: What to call it in a sentence.
        own_size: Pixels a side of its images; None where `image_size` may be given.
        automatic: Whether `--dataset auto` may choose it. Of these the first in `SOURCES` is
            used that can be obtained.
    """

    keyword: ClassVar[str | None] = None
    accepts: ClassVar[str] = ""
    title: ClassVar[str] = ""
    own_size: ClassVar[int | None] = None
    automatic: ClassVar[bool] = False

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:  # noqa: ARG003
        """Return the source if the request names it."""
        return None

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the dataset's name, made of [A-Za-z0-9._-] only."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hex SHA-256 that changes when the source does, without decoding anything.

        Raises:
            UserError: The source is not what it must be.
        """

    def notices(self) -> Iterator[str]:
        """Yield what the user may not have intended, one line each."""
        yield from ()

    def obtain(self, listener: Listener, patience: float) -> None:  # noqa: B027
        """Make sure that everything needed to read the source is there.

        Args:
            listener: Hears of downloads.
            patience: Seconds that a server may take to answer.

        Raises:
            MachineError: It cannot be had.
            UserError: What is there is damaged.
            OSError: `data_dir` cannot be written.
        """

    @abstractmethod
    def read(self, listener: Listener) -> Content:
        """Return the content, decoded while it is iterated.

        Raises:
            UserError: The source is damaged.
            MachineError: It cannot be had.
        """
