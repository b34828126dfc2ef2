"""The grid of sample images: info -> matplotlib."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from search.base import COLUMN, short
from search.reference.info_samples import Images, SamplesInfo

_MOST_HEIGHT = 8.0  # inches, a page with its caption
_LEAST_WIDTH = 2.2
_MARGIN = 0.05
_FOR_NOTE = 0.2
_POINTS = 7


def draw_samples(info: SamplesInfo) -> Figure:
    """Return the samples, one class a row with its name, and how many classes were left out."""
    names, note = [short(name) for name in info.class_names], _note(info)
    grid, middles = _grid(info.images)
    left = max(_inches(name) for name in names) + 3 * _MARGIN
    below = _FOR_NOTE if note else _MARGIN
    inches = min((COLUMN - left - _MARGIN) / grid.shape[1], _MOST_HEIGHT / grid.shape[0])
    high, wide = inches * grid.shape[0], inches * grid.shape[1]
    height, width = below + high + _MARGIN, max(_LEAST_WIDTH, left + wide + _MARGIN)
    figure = Figure(figsize=(width, height))
    # Placed by hand: the constrained layout needs several drawings to settle images beside names.
    axes = figure.add_axes((left / width, below / height, wide / width, high / height))
    axes.imshow(grid, interpolation="none")  # a PDF then holds the pixels as they are
    axes.set_xticks([])
    axes.set_yticks(middles, names, fontsize=_POINTS)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.text(0.5, _MARGIN / height, note, ha="center", fontsize=_POINTS)
    return figure


def _inches(text: str) -> float:
    """Return the width of a text, the same for every file format."""
    font = FontProperties(size=_POINTS)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


def _note(info: SamplesInfo) -> str:
    shown, n = len(info.class_names), info.n_classes
    return f"{shown} of {n} classes, {n - shown} left out" if shown < n else ""


def _grid(rows: tuple[Images, ...]) -> tuple[Images, list[float]]:
    """Return the images side by side on white, uint8 (H, W, 3), and the middle of each row."""
    height, width = rows[0].shape[2:]
    gap = max(1, round(0.06 * min(height, width)))
    columns = max(len(images) for images in rows)
    size = (len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3)
    grid = np.full(size, 255, dtype=np.uint8)
    for i, images in enumerate(rows):
        for j, image in enumerate(images):
            top, left = i * (height + gap), j * (width + gap)
            grid[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return grid, [i * (height + gap) + (height - 1) / 2 for i in range(len(rows))]
