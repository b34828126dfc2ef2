"""Small pictures of images: for a page, and as a figure on paper."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from PIL import Image

from search.plotting import new_figure, short

MOST_PIXELS = 128
_COLUMNS = 6

Images = npt.NDArray[np.uint8]


def data_uri(image: Images) -> str:
    """Return an image (3, H, W) as a WebP data URI, at most 128 pixels a side, losslessly.

    A PNG of a photograph is half as large again.
    """
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    picture.thumbnail((MOST_PIXELS, MOST_PIXELS))
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", lossless=True, quality=100, method=6)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def draw_pictures(images: Images, titles: Sequence[tuple[str, str, float]]) -> Figure:
    """Draw images (M, 3, H, W), six in a row.

    Args:
        images: At least one.
        titles: The class, the predicted class and its probability, of each.
    """
    rows = -(-len(images) // _COLUMNS)
    figure = new_figure(1.5 * rows, width=7.1)
    for i, (image, (true, predicted, probability)) in enumerate(zip(images, titles, strict=True)):
        axes = figure.add_subplot(rows, _COLUMNS, i + 1)
        axes.imshow(image.transpose(1, 2, 0), interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        second = f"as {short(predicted, 14)}, {probability:.0%}"
        axes.set_title(f"{short(true)}\n{second}", fontsize=6.5)
    return figure
