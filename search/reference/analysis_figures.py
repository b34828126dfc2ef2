"""Draws and writes the data analysis."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from matplotlib.ticker import FuncFormatter

from search.files import machine_failures, write_file
from search.plotting import (
    BLUE,
    COLUMN,
    GREEN,
    GREY,
    VERMILLION,
    new_figure,
    paper_style,
    save_figure,
    short,
)
from search.reference.analysis import (
    AnalysisInfo,
    ChannelsInfo,
    Images,
    SamplesInfo,
    table_csv,
)


class _Style(NamedTuple):
    label: str
    colour: str
    line: str


_COLOURS = (
    _Style("red", VERMILLION, "-"),
    _Style("green", GREEN, "--"),
    _Style("blue", BLUE, "-."),
)
_GREYS = (_Style("red, green and blue alike", GREY, "-"),)


def draw_channels(info: ChannelsInfo) -> Figure:
    """Return the share of pixels over the intensity, one line a channel, one in all for greys."""
    figure = new_figure(2.4)
    axes = figure.add_subplot()
    styles = _GREYS if info.alike else _COLOURS
    for style, shares in zip(styles, info.shares, strict=False):
        axes.plot(
            shares, label=style.label, color=style.colour, linestyle=style.line, linewidth=1.0
        )
    axes.set_xlim(-5, 260)  # black and white are often the peaks: keep them off the frame
    axes.set_xticks([0, 50, 100, 150, 200, 255])
    axes.set_xlabel("intensity (0 to 255)")
    _share_axis(axes, info)
    axes.legend()
    return figure


def _share_axis(axes: Axes, info: ChannelsInfo) -> None:
    if info.is_steep:
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(bottom=0.7 * min(share for row in info.shares for share in row if share))
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))
    axes.set_ylabel("share of pixels" + (" (log scale)" if info.is_steep else ""))


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


def write_analysis(info: AnalysisInfo, folder: Path) -> tuple[Path, ...]:
    """Write every file, in place of those of an earlier analysis; return their paths.

    Raises MachineError where one cannot be written.
    """
    table = folder / f"{info.name}-mean-std.csv"
    with machine_failures(
        f"output {folder} cannot be written", "make room or choose another output and run again"
    ):
        folder.mkdir(parents=True, exist_ok=True)
        figures = _write_figures(info, folder)
        write_file(table, table_csv(info.table))
    return (*figures, table)


def _write_figures(info: AnalysisInfo, folder: Path) -> list[Path]:
    with paper_style():
        drawn = {"images": draw_samples(info.samples), "channels": draw_channels(info.channels)}
        paths = []
        for name, figure in drawn.items():
            for suffix in ("pdf", "png"):
                paths.append(folder / f"{info.name}-{name}.{suffix}")
                save_figure(figure, paths[-1])
    return paths
