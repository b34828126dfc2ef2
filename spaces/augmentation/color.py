"""Colour jitter: brightness, contrast, saturation and hue changed at random."""

import inspect
import math
from collections.abc import Iterator
from typing import ClassVar, Literal, Self, final

import torch
from optuna.trial import BaseTrial
from pydantic import Field, model_validator
from torch import Tensor

from spaces.augmentation.base import Augmentation, ScriptStep, Stage, write_share


# Exported scripts contain the function word for word: lines have at most 88 characters.
def color_jitter(images: Tensor, draws: Tensor, strengths: tuple[float, ...]) -> Tensor:
    """Return uint8 images with other brightness, contrast, saturation and hue.

    Each of the four changes by up to its strength: three factors from 1 - s to 1 + s,
    and the hue turned by up to s of the circle about the grey axis.
    """
    drawn = zip(strengths, (2 * draws - 1).view(4, -1, 1, 1, 1), strict=True)
    brightness, contrast, saturation, hue = (s * factor for s, factor in drawn)
    grey = torch.zeros_like(images[:, :1], dtype=torch.float32)
    pixels = images.float() * (1 + brightness)
    for channel, share in enumerate((0.299, 0.587, 0.114)):
        grey = grey + share * pixels[:, channel : channel + 1]
    middle = grey.mean((1, 2, 3), keepdim=True)
    pixels = middle + (1 + contrast) * (pixels - middle)
    grey = middle + (1 + contrast) * (grey - middle)
    pixels = grey + (1 + saturation) * (pixels - grey)
    cos, sin = torch.cos(2 * math.pi * hue), torch.sin(2 * math.pi * hue)
    mean, across = pixels.mean(1, keepdim=True), pixels.roll(1, 1) - pixels.roll(-1, 1)
    pixels = mean + cos * (pixels - mean) + sin / math.sqrt(3) * across
    return torch.clamp(pixels.round(), 0, 255).to(torch.uint8)


@final
class ColorJitter(Augmentation):
    """Brightness, contrast, saturation and hue of each image change at random, in this order.

    Brightness, contrast and saturation are multiplied by a factor from 1 - strength to 1 +
    strength, where contrast is the distance from the image's mean grey and saturation that from
    each pixel's grey. The hue is turned about the grey axis by up to `hue` of the full circle
    either way.
    """

    words: ClassVar[str] = "colour jitter"
    stage: ClassVar[Stage] = "pixels"
    n_draws: ClassVar[int] = 4

    name: Literal["color_jitter"] = "color_jitter"
    brightness: float = Field(0.2, ge=0, le=1)
    contrast: float = Field(0.2, ge=0, le=1)
    saturation: float = Field(0.2, ge=0, le=1)
    hue: float = Field(0.0, ge=0, le=0.5)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not any(self._strengths()):
            raise ValueError("one of brightness, contrast, saturation and hue must be above 0")
        return self

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        strength = trial.suggest_float("color_strength", 0.05, 0.5)
        hue = trial.suggest_float("color_hue", 0.0, 0.1)
        return cls(brightness=strength, contrast=strength, saturation=strength, hue=hue)

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        return color_jitter(images, draws, self._strengths())

    def _strengths(self) -> tuple[float, float, float, float]:
        return (self.brightness, self.contrast, self.saturation, self.hue)

    def settings(self) -> Iterator[str]:
        names = ("brightness", "contrast", "saturation")
        for name, strength in zip(names, self._strengths(), strict=False):
            if strength:
                yield f"{name} by up to {write_share(strength)}"
        if self.hue:
            yield f"hue by up to {360 * self.hue:.3g} degrees"

    def script(self) -> ScriptStep:
        names = ("brightness", "contrast", "saturation", "hue")
        lines = (
            "strengths = (",
            *(f"    {s},  # {name}" for s, name in zip(self._strengths(), names, strict=True)),
            ")",
            "images = color_jitter(images, torch.rand(4, n, device=device), strengths)",
        )
        return ScriptStep((inspect.getsource(color_jitter),), lines)
