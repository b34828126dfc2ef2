"""Augmentation of whole batches: draws made ahead for an epoch, then one gather a batch."""

from collections.abc import Sequence

import torch
from torch.nn.functional import pad

from spaces.candidate import AugmentationName

CROP_PADDING = 4


def draw_epoch(
    name: AugmentationName, sizes: Sequence[int], generator: torch.Generator, device: torch.device
) -> list[torch.Tensor | None]:
    """Return the draws of each batch, int64 (3, size) on `device`: mirrored (0 or 1), top, left.

    An image is mirrored with probability 1/2; with "flip_crop" its window begins `top` and `left`
    pixels into the padded image. "none" draws nothing. `generator` lives on the CPU, so that every
    device sees the same draws; they are moved in one transfer.
    """
    if name == "none" or not sizes:
        return [None] * len(sizes)
    places = 2 * _margin(name) + 1
    draws = [_draw(size, places, generator) for size in sizes]
    return list(torch.split(torch.cat(draws, dim=1).to(device), list(sizes), dim=1))


def augment(
    images: torch.Tensor, name: AugmentationName, draws: torch.Tensor | None
) -> torch.Tensor:
    """Return uint8 images (N, C, H, W) mirrored and shifted by their draws, channels-last.

    "flip" mirrors left to right; "flip_crop" also cuts a window of the same size out of the
    image padded by 4 black pixels on each side. Without draws the images come back as they are.
    """
    if draws is None:
        return images
    mirrored, top, left = draws
    n, _, height, width = images.shape
    columns = torch.arange(width, device=images.device).expand(n, width)
    columns = torch.where(mirrored[:, None] == 1, columns.flip(1), columns) + left[:, None]
    rows = torch.arange(height, device=images.device) + top[:, None]
    return _gather(pad(images, [_margin(name)] * 4), rows, columns)


def _draw(size: int, places: int, generator: torch.Generator) -> torch.Tensor:
    mirrored = torch.rand(size, generator=generator) < 0.5
    corner = torch.randint(0, places, (2, size), generator=generator)
    return torch.cat([mirrored[None].to(torch.int64), corner])


def _margin(name: AugmentationName) -> int:
    return CROP_PADDING if name == "flip_crop" else 0


def _gather(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Return, for image i, the pixels at rows[i] x columns[i]: (N, C, h, w)."""
    which = torch.arange(len(images), device=images.device)[:, None, None]
    pixels = images.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)
