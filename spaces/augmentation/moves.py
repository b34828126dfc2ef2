"""Images turned and moved, with the mean of the training images where nothing is left."""

import inspect
import math
from collections.abc import Iterator
from typing import ClassVar, Literal, Self, final

import torch
from optuna.trial import BaseTrial
from pydantic import Field
from torch import Tensor, nn

from spaces.augmentation.base import Augmentation, ScriptStep, Stage, windows, write_share


# Exported scripts contain the functions word for word: lines have at most 88 characters.
def translate(images: Tensor, draws: Tensor, fraction: float) -> Tensor:
    """Return images shifted by whole pixels, up to a fraction of height and width."""
    height, width = images.shape[2:]
    down, right = (max(round(fraction * size), 1) for size in (height, width))
    top = (draws[0] * (2 * down + 1)).long().clamp(max=2 * down)
    left = (draws[1] * (2 * right + 1)).long().clamp(max=2 * right)
    rows = torch.arange(height, device=images.device) + top[:, None]
    columns = torch.arange(width, device=images.device) + left[:, None]
    return windows(nn.functional.pad(images, [right, right, down, down]), rows, columns)


@final
class Translate(Augmentation):
    """Images are shifted by whole pixels, up to `fraction` of their height and width.

    What is moved in has the mean colour of the training images; with pretrained weights, that of
    the images that these were trained on.
    """

    words: ClassVar[str] = "random translation"
    stage: ClassVar[Stage] = "normalized"
    n_draws: ClassVar[int] = 2

    name: Literal["translate"] = "translate"
    fraction: float = Field(0.125, gt=0, le=0.5)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(fraction=trial.suggest_float("translate_fraction", 0.03, 0.25))

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        return translate(images, draws, self.fraction)

    def settings(self) -> Iterator[str]:
        yield f"by up to {write_share(self.fraction)} of the side"

    def script(self) -> ScriptStep:
        drawn = "torch.rand(2, n, device=device)"
        line = f"images = translate(images, {drawn}, {self.fraction})"
        return ScriptStep((inspect.getsource(windows), inspect.getsource(translate)), (line,))


def rotate(images: Tensor, draws: Tensor, degrees: float) -> Tensor:
    """Return images turned about their centre by up to some degrees either way."""
    height, width = images.shape[2:]
    angles = (2 * draws[0] - 1) * (degrees * math.pi / 180)
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    # Coordinates run from -1 to 1 over height and width alike, hence their ratio.
    across = torch.stack([cos, -sin * (height / width), zero], dim=1)
    down = torch.stack([sin * (width / height), cos, zero], dim=1)
    turn = torch.stack([across, down], dim=1)
    grid = nn.functional.affine_grid(turn, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, align_corners=False)


@final
class Rotate(Augmentation):
    """Images are turned about their centre by up to `degrees` either way, bilinearly.

    Corners left empty have the mean colour of the training images; with pretrained weights, that of
    the images that these were trained on.
    """

    words: ClassVar[str] = "random rotation"
    stage: ClassVar[Stage] = "normalized"
    n_draws: ClassVar[int] = 1

    name: Literal["rotate"] = "rotate"
    degrees: float = Field(15, gt=0, le=180)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(degrees=trial.suggest_float("rotate_degrees", 2, 30))

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        return rotate(images, draws, self.degrees)

    def settings(self) -> Iterator[str]:
        yield f"by up to {self.degrees:.4g} degrees"

    def script(self) -> ScriptStep:
        drawn = "torch.rand(1, n, device=device)"
        line = f"images = rotate(images, {drawn}, {self.degrees})"
        return ScriptStep((inspect.getsource(rotate),), (line,))
