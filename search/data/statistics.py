"""Exact per-channel statistics of chosen images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

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
        """Return the statistics of (C, 256) counts; raises ValueError where a channel is empty.

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
    """Return int64 (C, 256): how often each channel of `images[indices]` takes each value.

    `images` is uint8 (N, C, H, W) on any device, or memory-mapped; `indices` is int64 (M,); an
    index given twice counts twice. Works in chunks of images, so memory stays bounded. The
    result is on the device of `images`.
    """
    counts = torch.zeros(images.shape[1], 256, dtype=torch.int64, device=images.device)
    for chunk in torch.split(indices.to(images.device), _CHUNK_IMAGES):
        for channel, values in enumerate(images[chunk].unbind(dim=1)):
            counts[channel] += torch.bincount(values.flatten(), minlength=256)
    return counts


def channel_statistics(images: Tensor, indices: Tensor) -> ChannelStatistics:
    """Return mean and standard deviation per channel of `images[indices]`, and of no other image.

    Shapes and dtypes as for `channel_histograms`; raises ValueError where `indices` is empty.
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
