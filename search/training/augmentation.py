"""Augmentation of whole batches: one gather, with flip and crop drawn for each image."""

import torch
from torch.nn.functional import pad

from spaces.candidate import AugmentationName

CROP_PADDING = 4


def augment(
    images: torch.Tensor, name: AugmentationName, generator: torch.Generator
) -> torch.Tensor:
    """Return uint8 images (N, C, H, W), each mirrored with probability 1/2 and shifted.

    "flip" mirrors left to right; "flip_crop" also cuts a window of the same size out of the
    image padded by 4 black pixels on each side. The result is channels-last in memory.
    `generator` lives on the CPU, so that every device draws the same.
    """
    if name == "none":
        return images
    n, _, height, width = images.shape
    margin = CROP_PADDING if name == "flip_crop" else 0
    flipped = torch.rand(n, generator=generator) < 0.5
    top, left = torch.randint(0, 2 * margin + 1, (2, n), generator=generator)
    columns = torch.arange(width).expand(n, width)
    columns = torch.where(flipped[:, None], columns.flip(1), columns) + left[:, None]
    rows = torch.arange(height) + top[:, None]
    return gather_windows(pad(images, [margin] * 4), rows, columns)


def gather_windows(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Return, for image i, the pixels at rows[i] x columns[i]: (N, C, h, w).

    `images` is (N, C, H, W), `rows` (N, h) and `columns` (N, w) are int64.
    """
    rows, columns = rows.to(images.device), columns.to(images.device)
    which = torch.arange(len(images), device=images.device)[:, None, None]
    pixels = images.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)
