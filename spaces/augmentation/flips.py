"""Mirrored and shifted images."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal, Self, final

import torch
from optuna.trial import BaseTrial
from pydantic import Field
from torch.nn.functional import pad

from spaces.augmentation.base import Augmentation, ScriptStep, Stage, windows


class _FlipAndShift(Augmentation):
    """Images are mirrored left to right with probability 1/2, and shifted by whole pixels.

    A window of the image's size is cut out of the image padded by some black pixels on each side.
    Draws are int64 (3, N): mirrored (0 or 1), and the top and left of the window.
    """

    stage: ClassVar[Stage] = "pixels"
    n_draws: ClassVar[int] = 3

    @abstractmethod
    def padding(self) -> int:
        """Return the black pixels on each side."""

    def draw(self, size: int, generator: torch.Generator) -> torch.Tensor:
        mirrored = torch.rand(size, generator=generator) < 0.5
        corner = torch.randint(0, 2 * self.padding() + 1, (2, size), generator=generator)
        return torch.cat([mirrored[None].to(torch.int64), corner])

    def apply(self, images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        """Return the images mirrored and shifted, channels-last."""
        mirrored, top, left = draws
        n, _, height, width = images.shape
        columns = torch.arange(width, device=images.device).expand(n, width)
        columns = torch.where(mirrored[:, None] == 1, columns.flip(1), columns) + left[:, None]
        rows = torch.arange(height, device=images.device) + top[:, None]
        return windows(pad(images, [self.padding()] * 4), rows, columns)


@final
class Flip(_FlipAndShift):
    """Images are mirrored left to right with probability 1/2."""

    words: ClassVar[str] = "random flips"

    name: Literal["flip"] = "flip"

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:  # noqa: ARG003
        return cls()

    def padding(self) -> int:
        return 0

    def settings(self) -> Iterator[str]:
        yield from ()

    def script(self) -> ScriptStep:
        code = '''\
def flip(images: Tensor) -> Tensor:
    """Return the images, each mirrored left to right with probability 1/2."""
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)
'''
        return ScriptStep((code,), ("images = flip(images)",))


@final
class FlipCrop(_FlipAndShift):
    """Images are mirrored with probability 1/2, and shifted by up to `margin` pixels.

    What is moved in is black.
    """

    words: ClassVar[str] = "random flips and crops"

    name: Literal["flip_crop"] = "flip_crop"
    margin: int = Field(4, ge=1, le=32)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(margin=trial.suggest_int("crop_margin", 1, 8))

    def padding(self) -> int:
        return self.margin

    def settings(self) -> Iterator[str]:
        if self.margin != 4:
            yield f"by up to {self.margin} pixels"

    def script(self) -> ScriptStep:
        code = f'''\
def flip_crop(images: Tensor) -> Tensor:
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
        return ScriptStep((code,), ("images = flip_crop(images)",))
