"""Figures of the test result: info -> matplotlib."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from search.plotting import BLUE, COLUMN, new_figure, short
from search.report.info.confusion import ConfusionInfo
from search.report.info.mistakes import MistakesInfo

MOST_WITH_PERCENTAGES = 12
MOST_WITH_COUNTS = 25
_WIDE = 6.6  # inches


def draw_confusion_matrix(info: ConfusionInfo) -> Figure:
    """Return the matrix with row percentages as colour, and as text with counts where it fits.

    With so many classes that only counts fit, or nothing, a colour bar gives the percentages.
    """
    n = len(info.class_names)
    fits = n <= MOST_WITH_PERCENTAGES
    width = COLUMN if fits else _WIDE
    figure = new_figure(width + 0.1 if fits else width - 0.4, width=width)
    axes = figure.add_subplot()
    light_to_blue = LinearSegmentedColormap.from_list("blues", ["#ffffff", BLUE])
    image = axes.imshow(np.array(info.row_percentages), cmap=light_to_blue, vmin=0, vmax=100)
    names = [short(name, 14) for name in info.class_names]
    size = 6.5 if fits else 5.5
    axes.set_xticks(range(n), names, rotation=90 if n > 2 else 0, fontsize=size)
    axes.set_yticks(range(n), names, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if n <= MOST_WITH_COUNTS:
        _write_cells(axes, info)
    if not fits:
        bar = figure.colorbar(image, ax=axes, label="% of the true class", shrink=0.75, pad=0.02)
        bar.outline.set_visible(False)
    return figure


def _write_cells(axes: Axes, info: ConfusionInfo) -> None:
    n = len(info.class_names)
    with_percentages = n <= MOST_WITH_PERCENTAGES
    size = 5.2 if n <= 10 else 4.6
    for i, row in enumerate(info.counts):
        for j, count in enumerate(row):
            share = info.row_percentages[i][j]
            colour = "white" if share > 60 else "#222222" if count else "#999999"
            text = f"{count:,}\n{_percentage(share)}" if with_percentages else f"{count:,}"
            axes.text(j, i, text, ha="center", va="center", fontsize=size, color=colour)


def _percentage(share: float) -> str:
    return f"{share:.1f}%".replace("100.0", "100")  # which a cell has no room for


def draw_mistakes(info: MistakesInfo) -> Figure:
    """Return the mistaken images, six a row, each with its class, the model's and how sure."""
    n, columns = len(info.images), 6
    rows = -(-n // columns)
    figure = new_figure(1.5 * rows, width=7.1)
    for i in range(n):
        axes = figure.add_subplot(rows, columns, i + 1)
        axes.imshow(info.images[i].transpose(1, 2, 0), interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        called = f"called {short(info.predicted_names[i], 14)}, {info.probabilities[i]:.0%}"
        axes.set_title(f"{short(info.true_names[i])}\n{called}", fontsize=6.5)
    return figure
