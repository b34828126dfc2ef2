"""What a dataset is, and what a source of one has to provide."""

from search.events import Listener
from dataclasses import dataclass
from pathlib import Path
from typing import final
import torch
from typing import Protocol
from abc import ABC, abstractmethod
from collections.abc import Iterator
import numpy as np
import numpy.typing as npt


@final
@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset is, without its images.

    `fingerprint` is a SHA-256 of the content; a study belongs to one fingerprint.
    `image_shape` is (channels, height, width). `cache_dir` holds the decoded arrays.
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


class Source(ABC):
    """Where a dataset comes from."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the dataset's name, of [A-Za-z0-9._-] only."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hex SHA-256 that changes when the source does; cheap, decodes nothing.

        Raises UserError where the source is not what it must be.
        """

    @abstractmethod
    def read(self, listener: Listener) -> Content:
        """Return the content, to be decoded as it is iterated.

        Raises UserError for a damaged source, MachineError where it cannot be had.
        """
