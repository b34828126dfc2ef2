"""A dataset as values: what it is, and its training split as tensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch


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
