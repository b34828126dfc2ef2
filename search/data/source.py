"""What every kind of dataset gives to the cache."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from search.data.observer import DataObserver

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
    def read(self, observer: DataObserver) -> Content:
        """Return the content, to be decoded as it is iterated.

        Raises UserError for a damaged source, MachineError where it cannot be had.
        """
