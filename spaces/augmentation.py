"""Augmentation of whole batches: the draws of an epoch come first, then one gather per batch."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch.nn.functional import pad

from cifar_models.family import find_choice


class Augmentation(ABC):
    """One way to change training images at random.

    Attributes:
        name: How candidates refer to it.
        words: Its name in a sentence.
        images: What a network is then trained on.
    """

    name: str
    words: str
    images: str

    @abstractmethod
    def draw(
        self, sizes: Sequence[int], generator: torch.Generator, device: torch.device
    ) -> list[torch.Tensor | None]:
        """Return the draws of each batch of an epoch, int64 (k, size) on `device`.

        `generator` is on the CPU, so that the draws are the same for every device. None means that
        there are no draws.
        """

    @abstractmethod
    def example(self, size: int, device: torch.device) -> torch.Tensor | None:
        """Return draws for one batch that change nothing."""

    @abstractmethod
    def apply(self, images: torch.Tensor, draws: torch.Tensor | None) -> torch.Tensor:
        """Return uint8 images (N, C, H, W) changed as drawn."""

    @abstractmethod
    def script(self) -> str:
        """Return Python code for an exported script: a function `augment` from images to images.

        It is empty if images are not changed.
        """


@final
@dataclass(frozen=True)
class NoAugmentation(Augmentation):
    """Images are not changed; nothing is drawn."""

    name: str = "none"
    words: str = "no augmentation"
    images: str = "images"

    def draw(
        self,
        sizes: Sequence[int],
        generator: torch.Generator,  # noqa: ARG002
        device: torch.device,  # noqa: ARG002
    ) -> list[torch.Tensor | None]:
        return [None] * len(sizes)

    def example(self, size: int, device: torch.device) -> None:  # noqa: ARG002
        return None

    def apply(self, images: torch.Tensor, draws: torch.Tensor | None) -> torch.Tensor:  # noqa: ARG002
        return images

    def script(self) -> str:
        return ""


@final
@dataclass(frozen=True)
class FlipAndCrop(Augmentation):
    """Images are mirrored left to right with probability 1/2, and shifted by whole pixels.

    A window of the image's size is cut out of the image padded by `margin` black pixels on each
    side; without a margin, images are only mirrored. Draws are int64 (3, N): mirrored (0 or 1),
    and the top and left of the window in the padded image.
    """

    name: str
    words: str
    images: str
    margin: int

    def draw(
        self, sizes: Sequence[int], generator: torch.Generator, device: torch.device
    ) -> list[torch.Tensor | None]:
        if not sizes:
            return []
        draws = [self._draw(size, generator) for size in sizes]
        return list(torch.split(torch.cat(draws, dim=1).to(device), list(sizes), dim=1))

    def _draw(self, size: int, generator: torch.Generator) -> torch.Tensor:
        mirrored = torch.rand(size, generator=generator) < 0.5
        corner = torch.randint(0, 2 * self.margin + 1, (2, size), generator=generator)
        return torch.cat([mirrored[None].to(torch.int64), corner])

    def example(self, size: int, device: torch.device) -> torch.Tensor:
        return torch.zeros(3, size, dtype=torch.int64, device=device)

    def apply(self, images: torch.Tensor, draws: torch.Tensor | None) -> torch.Tensor:
        """Return the images mirrored and shifted, channels-last; unchanged without draws."""
        if draws is None:
            return images
        mirrored, top, left = draws
        n, _, height, width = images.shape
        columns = torch.arange(width, device=images.device).expand(n, width)
        columns = torch.where(mirrored[:, None] == 1, columns.flip(1), columns) + left[:, None]
        rows = torch.arange(height, device=images.device) + top[:, None]
        return _gather(pad(images, [self.margin] * 4), rows, columns)

    def script(self) -> str:
        flip = '''\
def augment(images: Tensor) -> Tensor:
    """Return the images, each mirrored left to right with probability 1/2."""
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)
'''
        if not self.margin:
            return flip
        return f'''\
def augment(images: Tensor) -> Tensor:
    """Return the images, each mirrored with probability 1/2 and shifted at random."""
    n, _, height, width = images.shape
    mirrored = torch.rand(n, 1, 1, 1, device=images.device) < 0.5
    images = torch.where(mirrored, images.flip(3), images)
    top, left = torch.randint({2 * self.margin + 1}, (2, n, 1, 1), device=images.device)
    rows = top + torch.arange(height, device=images.device)[:, None]
    columns = left + torch.arange(width, device=images.device)
    pixels = nn.functional.pad(images, [{self.margin}] * 4).permute(0, 2, 3, 1)
    which = torch.arange(n, device=images.device)[:, None, None]
    return pixels[which, rows, columns].permute(0, 3, 1, 2)
'''


def _gather(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Return, for image i, the pixels at rows[i] x columns[i]: (N, C, h, w)."""
    which = torch.arange(len(images), device=images.device)[:, None, None]
    pixels = images.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)


AUGMENTATIONS: tuple[Augmentation, ...] = (
    NoAugmentation(),
    FlipAndCrop("flip", "random flips", "randomly flipped images", margin=0),
    FlipAndCrop(
        "flip_crop", "random flips and crops", "randomly flipped and cropped images", margin=4
    ),
)
"""Every augmentation that a candidate may have."""


def find_augmentation(name: str) -> Augmentation:
    """Return the augmentation of that name; raises ValueError if there is none."""
    return find_choice("augmentation", name, AUGMENTATIONS)
