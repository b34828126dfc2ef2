"""What all figures share: colours, sizes, style, and writing them."""

import io
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from os.path import commonprefix
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from search.files import write_file
from search.metric import Metric

BLUE = "#0072B2"
SKY = "#56B4E9"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#888888"


COLUMN = 3.5  # inches, one column of a two-column paper

# Class names may contain dollar signs, which are not formulas; journals want TrueType fonts.
_STYLE: Any = {
    "text.parse_math": False,
    "pdf.fonttype": 42,
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
}


def paper_style() -> AbstractContextManager[None]:
    """Return the context in which figures are drawn and saved; it leaves no setting behind."""
    return mpl.rc_context(_STYLE)


def new_figure(height: float, width: float = COLUMN) -> Figure:
    """Return an empty figure, sizes in inches, without pyplot's global state."""
    return Figure(figsize=(width, height), layout="constrained")


def integer_axis(axes: Axes) -> None:
    """Put ticks of the x axis at whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def percentages() -> FuncFormatter:
    """Return a formatter of fractions as percentages with the decimals they need: 80%, 47.5%."""
    return FuncFormatter(lambda value, _: f"{100 * value:.4g}%")


def metric_axis(axes: Axes, metric: Metric) -> None:
    """Label the y axis; shares are shown as percentages."""
    if metric.is_share:
        axes.yaxis.set_major_formatter(percentages())
    else:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))


def short(text: str, most: int = 18) -> str:
    """Return a text of at most `most` characters, cut with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def distinct_labels(names: Sequence[str], most: int) -> list[str]:
    """Return each name in at most `most` characters, and no two alike.

    Names that would be cut to the same text lose what all of them start with; where that does not
    help, they are numbered as they come, from 0.
    """
    labels = [short(name, most) for name in names]
    if len(set(labels)) == len(names):
        return labels
    n_shared = len(commonprefix(list(names)))  # noqa: RUF071 - no paths
    labels = [short(f"…{name[n_shared:]}", most) for name in names]
    if len(set(labels)) == len(names):
        return labels
    return [short(f"{number}: {name}", most) for number, name in enumerate(names)]


_DPI = 300


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write a figure as PDF or PNG, as each suffix says; the same figure gives the same bytes.

    It is laid out once, and keeps that. Raises OSError where it cannot be written.
    """
    with warnings.catch_warnings():
        # of a script that the font lacks: the page has the names, and PDF and PNG have boxes
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for path in paths:
            suffix = path.suffix.removeprefix(".")
            metadata = {"CreationDate": None} if suffix == "pdf" else {}
            drawn = io.BytesIO()  # matplotlib raises another error on a full disk
            figure.savefig(drawn, format=suffix, dpi=_DPI, metadata=metadata)
            write_file(path, drawn.getvalue())
