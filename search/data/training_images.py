"""Training images to look at: single ones, with the names of their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

import torch

from search.data.cache import load_origins, load_train_split
from search.data.dataset import DatasetInfo, Images
from search.errors import MachineError


@final
@dataclass(frozen=True, eq=False)
class TrainingImages:
    """The training images of a dataset.

    Attributes:
        pixels: uint8 (N, 3, H, W), memory-mapped.
        names: Their files, relative to the dataset's folder; empty where they have none.
    """

    pixels: torch.Tensor
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: DatasetInfo) -> Self | None:
        """Return a dataset's images; None if its cache is gone or damaged."""
        try:
            return cls(load_train_split(dataset).images, load_origins(dataset)[0].names)
        except MachineError:  # a study outlives its cache, which can be built again
            return None

    def at(self, indices: Sequence[int]) -> Images:
        """Return some of the images, uint8 (M, 3, H, W)."""
        chosen: Images = self.pixels[torch.tensor(indices, dtype=torch.int64)].numpy()
        return chosen

    def name(self, index: int) -> str:
        """Return the file of an image, or its number counted from 0."""
        return self.names[index] if self.names else f"image {index}"
