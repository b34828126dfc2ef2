"""Whether the first image of a folder may give its size to all the others."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from search.data.decoding import decode_image
from search.errors import UserError

_SAMPLE = 9  # images, spread over the folder
_MUCH = 2  # times as large as the first


def check_first_size(paths: Sequence[Path]) -> tuple[int, int]:
    """Return the first image's height and width.

    Raises UserError where it is much smaller than most of a sample: all would be shrunk to it.
    """
    sample = [decode_image(path).shape[1:] for path in paths[:: max(len(paths) // _SAMPLE, 1)]]
    height, width = sample[0]
    usual = [round(median(sizes)) for sizes in zip(*sample, strict=True)]
    if max(usual) >= _MUCH * max(height, width):
        raise UserError(
            f"image_size must be given, as all images would be scaled to the first, {paths[0]}, "
            f"which is {width}x{height} where most are about {usual[1]}x{usual[0]}"
        )
    return height, width
