"""What a dataset is, what a source of one provides, and statistics of its images."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import ClassVar, Literal, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from search.data.pixel_values import Scale
from search.events import Listener


@final
@dataclass(frozen=True)
class DatasetInfo:
    """A dataset without its images.

    Attributes:
        name: Its name.
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
    """The images to train and validate on: uint8 (N, 3, H, W), and int64 labels (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def to(self, device: str) -> "TrainSplit":
        """Return the split on a device; on the CPU the memory-mapped tensors themselves."""
        return TrainSplit(self.images.to(device), self.labels.to(device))


Resize: TypeAlias = Literal["crop", "stretch", "pad"]
"""How an image of another shape is fitted: cut to its centre, distorted, or given black borders."""

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@final
@dataclass(frozen=True)
class Origins:
    """Where the images of a part come from, in their order; what is not known is empty.

    Attributes:
        names: Their files, relative to the dataset's folder.
        groups: What each of them shows: a patient, a scene, a burst. Images of one group stay
            together.
        validation: Indices of those that their owner set aside for validation.
    """

    names: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    validation: tuple[int, ...] = ()

    def of(self, kept: Sequence[int]) -> Self:
        """Return the origins of some of the images, given by their indices."""
        given = set(self.validation)
        return type(self)(
            names=tuple(self.names[i] for i in kept) if self.names else (),
            groups=tuple(self.groups[i] for i in kept) if self.groups else (),
            validation=tuple(place for place, index in enumerate(kept) if index in given),
        )


@final
@dataclass(frozen=True, eq=False)
class Part:
    """One part of a dataset: int64 labels (N,) and, in the same order, batches of images.

    `batches` is read once and gives contiguous uint8 arrays (n, C, H, W), N images in all.
    """

    labels: Labels
    batches: Iterator[Images]
    origins: Origins = Origins()


@final
@dataclass(frozen=True, eq=False)
class Content:
    """A dataset about to be written.

    Attributes:
        class_names: The classes; labels index them.
        image_shape: (channels, height, width).
        train: The images to train and validate on.
        test: The images of the test set; read after those of `train`.
        found: What the user should know about the images, one line each; complete once they are
            read.
        n_left_out: Images that are left out, as they cannot be decoded.
        scale: What the numbers mean that the images were given as; None if they were files.
    """

    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train: Part
    test: Part
    found: list[str] = field(default_factory=list)
    n_left_out: int = 0
    scale: Scale | None = None


@final
@dataclass(frozen=True)
class DatasetRequest:
    """The settings that decide which dataset is used.

    Attributes:
        dataset: A source's keyword, a path, or "auto".
        data_dir: Folder for downloads and decoded images.
        image_size: Height and width in pixels to scale images to; None: the source's own size.
        resize: How an image of another shape is fitted.
        test_fraction: Fraction of the images to set aside if a source has no test set.
        skip_broken: Whether to leave out files that cannot be decoded.
        image_column: The column of a table with the images' paths; None: guessed by its name.
        label_column: The column with their classes; None: guessed.
        split_column: The column that says train, val or test; None: guessed, or there is none.
        groups: What says which images belong together: a regular expression over paths, or a
            table's column.
        drop_duplicates: Whether to leave copies out of the training images.
    """

    dataset: str
    data_dir: Path
    image_size: int | None = None
    resize: Resize = "crop"
    test_fraction: float = 0.1
    skip_broken: bool = False
    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    groups: str | None = None
    drop_duplicates: bool = False

    @classmethod
    def of(cls, settings: object) -> Self:
        """Return the request of a recipe, whose settings have the same names."""
        return cls(**{one.name: getattr(settings, one.name) for one in fields(cls)})


class Source(ABC):
    """Where a dataset comes from.

    Attributes:
        keyword: Its name for `--dataset`; None if it is given by a path.
        accepts: What to give to `--dataset`, for messages and help.
        title: Its name in a sentence.
        own_size: Height and width of its images in pixels; None if `image_size` may be given.
        grouped: Whether `groups` may be given.
        has_columns: Whether `image_column` and `label_column` may be given.
        automatic: Whether `--dataset auto` may choose it: the first such source in `SOURCES` that
            can be obtained.
    """

    keyword: ClassVar[str | None] = None
    accepts: ClassVar[str] = ""
    title: ClassVar[str] = ""
    own_size: ClassVar[int | None] = None
    grouped: ClassVar[bool] = False
    has_columns: ClassVar[bool] = False
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
            UserError: The source is not valid.
        """

    def notices(self) -> Iterator[str]:
        """Yield one line for everything that the user may not have intended."""
        yield from ()

    def watched_files(self) -> Sequence[Path]:
        """Return the files whose change might go unnoticed; they are summed when they are read."""
        return ()

    def obtain(self, listener: Listener, patience: float) -> None:  # noqa: B027
        """Make sure that everything needed to read the source is there.

        Args:
            listener: Hears of downloads.
            patience: Seconds that a server may take to answer.

        Raises:
            MachineError: It cannot be obtained.
            UserError: Existing files are damaged.
            OSError: `data_dir` cannot be written.
        """

    @abstractmethod
    def read(self, listener: Listener) -> Content:
        """Return the content, decoded while it is iterated.

        Raises:
            UserError: The source is damaged.
            MachineError: It cannot be obtained.
        """


_CHUNK_IMAGES = 1024


@final
@dataclass(frozen=True)
class ChannelStatistics:
    """Mean and population standard deviation of each channel, in units of 0..255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def safe_std(self) -> tuple[float, ...]:
        """Return `std` to divide by: 1.0 for a constant channel, which then becomes zeros."""
        return tuple(value or 1.0 for value in self.std)

    @classmethod
    def from_histograms(cls, histograms: Tensor) -> Self:
        """Return the statistics of (C, 256) counts; raises ValueError if a channel is empty.

        Sums are Python integers, so exact; one division and one root round at the end:
        mean = s1 / n, variance = (n * s2 - s1**2) / n**2.
        """
        moments = [_moments(counts) for counts in histograms.tolist()]
        if not all(n for n, _, _ in moments):
            raise ValueError("statistics need at least one image, got none")
        return cls(
            mean=tuple(s1 / n for n, s1, _ in moments),
            std=tuple(math.sqrt((n * s2 - s1 * s1) / (n * n)) for n, s1, s2 in moments),
        )


def channel_histograms(images: Tensor, indices: Tensor) -> Tensor:
    """Count how often each channel of `images[indices]` takes each value.

    Args:
        images: uint8 (N, C, H, W), on any device or memory-mapped.
        indices: int64 (M,); an index given twice counts twice.

    Returns:
        int64 (C, 256), on the device of `images`.
    """
    counts = torch.zeros(images.shape[1], 256, dtype=torch.int64, device=images.device)
    for chunk in torch.split(indices.to(images.device), _CHUNK_IMAGES):
        for channel, values in enumerate(images[chunk].unbind(dim=1)):
            counts[channel] += torch.bincount(values.flatten(), minlength=256)
    return counts


def channel_statistics(images: Tensor, indices: Tensor) -> ChannelStatistics:
    """Return mean and standard deviation per channel of `images[indices]`.

    Shapes and dtypes are those of `channel_histograms`. Raises ValueError if `indices` is empty.
    """
    return ChannelStatistics.from_histograms(channel_histograms(images, indices))


def statistics_of_parts(
    images: Tensor, parts: Sequence[npt.NDArray[np.int64]]
) -> tuple[ChannelStatistics, ...]:
    """Return the statistics of each part of the images, given by its indices (M,)."""
    return tuple(channel_statistics(images, torch.from_numpy(part)) for part in parts)


def _moments(counts: list[int]) -> tuple[int, int, int]:
    """Return the number, the sum and the sum of squares of the counted values."""
    s1 = sum(value * count for value, count in enumerate(counts))
    s2 = sum(value * value * count for value, count in enumerate(counts))
    return sum(counts), s1, s2
