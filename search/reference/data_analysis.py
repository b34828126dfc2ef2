"""The hand-tuned report's data analysis: sample images, colour distribution, channel statistics."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from matplotlib.ticker import FuncFormatter
from torch import Tensor
from torch.nn.functional import interpolate

from search.data.cifar10 import is_cifar10_copy
from search.data.dataset import ChannelStatistics, DatasetInfo, TrainSplit, channel_histograms
from search.data.splits import fixed_holdout
from search.errors import UserError
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
from search.protocol import REPORTED_SPLIT
from search.seeding import derive_seed

_STEEP = 20.0  # times the median count

Table = tuple[tuple[float, ...], ...]  # ROWS x CHANNELS

ROWS = ("Mean", "STD", "Normalized Mean (/255)", "Normalized STD (/255)")
CHANNELS = ("Red", "Green", "Blue")


def mean_std_table(statistics: ChannelStatistics) -> Table:
    """Return ROWS x CHANNELS: in units of 0..255, and the same in units of 0..1."""
    rows = (statistics.mean, statistics.std)
    return rows + tuple(tuple(value / 255 for value in row) for row in rows)


def table_csv(table: Table) -> str:
    """Return the table as CSV, with every digit of the numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("", *CHANNELS))
    for name, row in zip(ROWS, table, strict=True):
        writer.writerow((name, *map(repr, row)))
    return text.getvalue()


class ChannelsInfo(NamedTuple):
    """The distribution of pixel values.

    Attributes:
        shares: `shares[c][v]` of the pixels have value v (0 to 255) in channel c (RGB).
        alike: Whether the channels are identical, as in grey images.
        is_steep: Whether one value is so frequent that only a logarithmic axis shows the others.
    """

    shares: tuple[tuple[float, ...], ...]
    alike: bool
    is_steep: bool


def channels_info(histograms: Tensor) -> ChannelsInfo:
    """Return the distribution of int64 (3, 256) counts; no channel may be empty."""
    shares = (histograms.double() / histograms.sum(dim=1, keepdim=True)).tolist()
    return ChannelsInfo(
        shares=tuple(tuple(channel) for channel in shares),
        alike=bool((histograms == histograms[0]).all()),
        is_steep=bool(histograms.max() > _STEEP * histograms[histograms > 0].double().median()),
    )


Images = npt.NDArray[np.uint8]

MAX_CLASSES = 20
MAX_IMAGES = 8
MAX_PIXELS = 128
_WIDEST_ROW = 16  # width over height: flatter rows have no room for their name
_SEED = 0


class SamplesInfo(NamedTuple):
    """Sample images: `images[i]`, uint8 (M, 3, H, W), belong to the class `class_names[i]`.

    M is at most MAX_IMAGES. `n_classes` is the number of the dataset's classes.
    """

    class_names: tuple[str, ...]
    images: tuple[Images, ...]
    n_classes: int


def samples_info(split: TrainSplit, indices: Tensor, class_names: tuple[str, ...]) -> SamplesInfo:
    """Return samples of the images at `indices`, int64 (M,).

    A class's samples do not depend on the other classes. Images larger than MAX_PIXELS are scaled
    down. Of more than MAX_CLASSES classes, evenly spaced ones are shown. Classes of wide images
    have fewer samples.
    """
    shown = _evenly_spaced(len(class_names), MAX_CLASSES)
    height, width = split.images.shape[2:]
    n_images = max(1, min(MAX_IMAGES, _WIDEST_ROW * height // width))
    labels = split.labels[indices]
    chosen = [_draw(indices[labels == label], n_images, label) for label in shown]
    return SamplesInfo(
        class_names=tuple(class_names[label] for label in shown),
        images=tuple(_shrink(split.images[one], MAX_PIXELS).numpy() for one in chosen),
        n_classes=len(class_names),
    )


def _evenly_spaced(n: int, most: int) -> list[int]:
    """Return at most `most` of the numbers below n, including the first and the last."""
    return sorted({round(place) for place in np.linspace(0, n - 1, min(n, most)).tolist()})


def _draw(of_class: Tensor, n: int, label: int) -> Tensor:
    rng = np.random.default_rng(derive_seed(_SEED, "analysis", "samples", label))
    places = rng.choice(len(of_class), min(n, len(of_class)), replace=False)
    return of_class[torch.from_numpy(places)]


def _shrink(images: Tensor, most: int) -> Tensor:
    """Return uint8 (M, 3, H, W) images with at most `most` pixels per side, averaged by area."""
    height, width = images.shape[2:]
    scale = most / max(height, width)
    if scale >= 1:
        return images
    size = (max(1, round(scale * height)), max(1, round(scale * width)))
    return interpolate(images.float(), size, mode="area").round().to(torch.uint8)


# Source: cifar10-mean-std.csv of the report.
REPORTED: Table = (
    (125.36226708984375, 123.04029643554688, 113.9900185546875),
    (62.99172319884214, 62.10269257704036, 66.75451872125706),
    (0.4916167336856618, 0.48251096641390934, 0.4470196806066176),
    (0.24702636548565543, 0.24353997089035434, 0.2617824263578708),
)
_MAX_DIGITS = 17  # distinguish any two floats
_ROUNDING_DIGITS = 12  # a careless sum of so many numbers has at least these right


class Comparison(NamedTuple):
    """A number of the table: the report's, ours, and to how many digits they agree."""

    name: str
    reported: float
    ours: float
    n_digits: int

    @property
    def agrees(self) -> bool:
        """Whether they agree to the last digit."""
        return self.ours == self.reported

    @property
    def differs_by_rounding(self) -> bool:
        """Whether they differ by no more than rounding in the report's sums."""
        return not self.agrees and self.n_digits >= _ROUNDING_DIGITS


def compare_tables(ours: Table, reported: Table = REPORTED) -> tuple[Comparison, ...]:
    """Return each number of the table, row by row."""
    return tuple(
        Comparison(f"{row}, {channel}", theirs, own, agreeing_digits(own, theirs))
        for row, own_row, their_row in zip(ROWS, ours, reported, strict=True)
        for channel, own, theirs in zip(CHANNELS, own_row, their_row, strict=True)
    )


def agreeing_digits(a: float, b: float) -> int:
    """Return to how many significant digits (0 to 17) both round to the same number."""
    for digits in range(_MAX_DIGITS, 0, -1):
        if f"{a:.{digits - 1}e}" == f"{b:.{digits - 1}e}":
            return digits
    return 0


class AnalysisInfo(NamedTuple):
    """The analysis of `n_images` training images; `name` is the prefix of the files."""

    dataset: DatasetInfo
    name: str
    n_images: int
    samples: SamplesInfo
    channels: ChannelsInfo
    table: Table


def analysis_info(dataset: DatasetInfo, split: TrainSplit) -> AnalysisInfo:
    """Return the analysis of the training part of the report's split; no other image is read.

    Raises UserError if the dataset is too small for this split.
    """
    indices = _training_part(dataset, split)
    histograms = channel_histograms(split.images, indices)
    return AnalysisInfo(
        dataset=dataset,
        name="cifar10" if is_cifar10_copy(dataset) else dataset.name,
        n_images=len(indices),
        samples=samples_info(split, indices, dataset.class_names),
        channels=channels_info(histograms),
        table=mean_std_table(ChannelStatistics.from_histograms(histograms)),
    )


def _training_part(dataset: DatasetInfo, split: TrainSplit) -> torch.Tensor:
    try:
        (fold,) = fixed_holdout(
            split.labels.numpy(), REPORTED_SPLIT.fraction, REPORTED_SPLIT.random_state
        )
    except UserError as error:
        raise UserError(
            f"dataset: {dataset.name!r} is too small for the report's split: {error}"
        ) from error
    return torch.from_numpy(fold.train)


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
    """Draw the share of pixels over the intensity: one line per channel, or one for grey images."""
    figure = new_figure(2.4)
    axes = figure.add_subplot()
    styles = _GREYS if info.alike else _COLOURS
    for style, shares in zip(styles, info.shares, strict=False):
        axes.plot(
            shares, label=style.label, color=style.colour, linestyle=style.line, linewidth=1.0
        )
    axes.set_xlim(-5, 260)  # black and white often peak: keep them off the frame
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


_MAX_HEIGHT = 8.0  # inches, a page with a caption
_MIN_WIDTH = 2.2
_MARGIN = 0.05
_FOR_NOTE = 0.2
_POINTS = 7


def draw_samples(info: SamplesInfo) -> Figure:
    """Draw the samples, one row per class with its name, and how many classes were left out."""
    names, note = [short(name) for name in info.class_names], _note(info)
    grid, middles = _grid(info.images)
    left = max(_inches(name) for name in names) + 3 * _MARGIN
    below = _FOR_NOTE if note else _MARGIN
    inches = min((COLUMN - left - _MARGIN) / grid.shape[1], _MAX_HEIGHT / grid.shape[0])
    high, wide = inches * grid.shape[0], inches * grid.shape[1]
    height, width = below + high + _MARGIN, max(_MIN_WIDTH, left + wide + _MARGIN)
    figure = Figure(figsize=(width, height))
    # Placed by hand: the constrained layout needs several drawings to place images next to names.
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
    """Write all files, replacing those of an earlier analysis; return their paths.

    Raises MachineError if one cannot be written.
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
            both = [folder / f"{info.name}-{name}.{suffix}" for suffix in ("pdf", "png")]
            save_figure(figure, *both)
            paths += both
    return paths
