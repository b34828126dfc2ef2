"""Cutout, also called random erasing: a square of each image is blanked."""

import inspect
from collections.abc import Iterator
from typing import ClassVar, Literal, Self, final

import torch
from optuna.trial import BaseTrial
from pydantic import Field
from torch import Tensor

from spaces.augmentation.base import (
    Augmentation,
    ScriptStep,
    Stage,
    write_probability,
    write_share,
)


# Exported scripts contain the function word for word: lines have at most 88 characters.
def cut_out(images: Tensor, draws: Tensor, size: float, probability: float) -> Tensor:
    """Return images with a square of each set to zero, all of it within the image."""
    height, width = images.shape[2:]
    side = max(round(size * min(height, width)), 1)
    top = (draws[0] * (height - side + 1)).long().clamp(max=height - side)
    left = (draws[1] * (width - side + 1)).long().clamp(max=width - side)
    rows = torch.arange(height, device=images.device) - top[:, None]
    columns = torch.arange(width, device=images.device) - left[:, None]
    across = (columns >= 0) & (columns < side)
    down = (rows >= 0) & (rows < side) & (draws[2] < probability)[:, None]
    inside = down[:, :, None] & across[:, None, :]
    return images.masked_fill(inside[:, None], 0)


@final
class Cutout(Augmentation):
    """A square of each image is set to the mean colour of the training images.

    With pretrained weights it is that of the images that these were trained on.

    The square lies within the image, anywhere with equal probability. Its side is `size` times the
    shorter side of the image, rounded to whole pixels, at least one (DeVries and Taylor, 2017, took
    0.5 for CIFAR-10 and let squares hang over the border).
    """

    words: ClassVar[str] = "cutout"
    stage: ClassVar[Stage] = "normalized"
    n_draws: ClassVar[int] = 3

    name: Literal["cutout"] = "cutout"
    size: float = Field(0.5, gt=0, lt=1)
    probability: float = Field(1.0, gt=0, le=1)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(size=trial.suggest_float("cutout_size", 0.1, 0.6))

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        return cut_out(images, draws, self.size, self.probability)

    def settings(self) -> Iterator[str]:
        yield f"squares of {write_share(self.size)} of the side"
        yield from write_probability(self.probability)

    def script(self) -> ScriptStep:
        lines = (
            "draws = torch.rand(3, n, device=device)",
            f"images = cut_out(images, draws, {self.size}, {self.probability})",
        )
        return ScriptStep((inspect.getsource(cut_out),), lines)
