"""One augmentation of each kind, a user's function among them."""

import torch

from spaces.augmentation import (
    Augmentation,
    ColorJitter,
    CustomAugmentation,
    CutMix,
    Cutout,
    Flip,
    FlipCrop,
    MixUp,
    Rotate,
    Translate,
)

LEVELS = 256


def posterize(images: torch.Tensor, bits: int) -> torch.Tensor:
    """Return the images with fewer levels, at random for each."""
    step = LEVELS >> bits
    chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(chosen, images // step * step, images)


EXAMPLES: dict[str, Augmentation] = {
    one.name: one
    for one in (
        Flip(),
        FlipCrop(margin=2),
        ColorJitter(hue=0.05),
        CustomAugmentation.from_function(posterize, bits=4),
        Translate(fraction=0.2),
        Rotate(degrees=20),
        Cutout(size=0.4, probability=0.7),
        MixUp(alpha=0.5, probability=0.8),
        CutMix(probability=0.5),
    )
}
