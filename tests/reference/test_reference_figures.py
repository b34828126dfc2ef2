"""The figures: what stands in them and which files they become."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from search.errors import MachineError
from search.plotting import paper_style
from search.reference.data_analysis import (
    SamplesInfo,
    analysis_info,
    channels_info,
    draw_channels,
    draw_samples,
    write_analysis,
)
from tests.reference.conftest import DatasetMaker


def samples(n_classes: int, shown: int, size: tuple[int, int]) -> SamplesInfo:
    """Return two black images of each shown class, of the last class one."""
    images = [np.zeros((2, 3, *size), np.uint8) for _ in range(shown)]
    images[-1] = images[-1][:1]
    return SamplesInfo(tuple(f"$class {i}" for i in range(shown)), tuple(images), n_classes)


def drawn_samples(n_classes: int, shown: int, size: tuple[int, int] = (8, 8)) -> Figure:
    with paper_style():
        return draw_samples(samples(n_classes, shown, size))


def test_every_row_has_its_name_at_its_middle() -> None:
    """Names are class names as they are, and stand beside their images; gaps are white."""
    figure = drawn_samples(3, 3)
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["$class 0", "$class 1", "$class 2"]
    (image,) = axes.get_images()
    grid = np.asarray(image.get_array())
    assert grid.shape == (3 * 9 - 1, 2 * 9 - 1, 3)
    assert axes.get_yticks().tolist() == [3.5, 12.5, 21.5]
    assert all((grid[int(middle)] == 0).any() for middle in axes.get_yticks())
    assert (grid[8] == 255).all()
    assert (grid[18:, 9:] == 255).all()  # the last class has one image
    assert [text.get_text() for text in figure.texts] == [""]


def test_left_out_classes_are_counted() -> None:
    """A reader of the figure alone knows that there are more."""
    (note,) = drawn_samples(300, 20).texts
    assert note.get_text() == "20 of 300 classes, 280 left out"


@pytest.mark.parametrize("size", [(8, 8), (128, 16), (16, 128), (1, 1)])
def test_a_grid_of_any_proportions_fits_a_page(size: tuple[int, int]) -> None:
    """No wider than a column, no higher than a page, and high enough for the names."""
    width, height = drawn_samples(20, 20, size).get_size_inches()
    assert width <= 3.51
    assert 20 * 0.1 < height < 9


@pytest.mark.parametrize("name", [" ", "i" * 18, "W" * 18, "W" * 300])
@pytest.mark.parametrize("size", [(8, 8), (128, 16), (16, 128)])
def test_nothing_is_cut_off_at_the_first_drawing(name: str, size: tuple[int, int]) -> None:
    """Names and the note lie inside the figure, and names do not touch each other."""
    info = samples(30, 20, size)._replace(class_names=(name,) * 20)
    with paper_style():
        figure = draw_samples(info)
        figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [label.get_window_extent() for label in axes.get_yticklabels() if name.strip()]
    for box in [*boxes, figure.texts[0].get_window_extent()]:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(boxes))


def test_channels_are_told_apart_without_colour() -> None:
    """Three lines in styles of their own, from 0 to 255, with named axes."""
    counts = torch.arange(1, 3 * 256 + 1).reshape(3, 256)
    with paper_style():
        (axes,) = draw_channels(channels_info(counts)).axes
    lines = axes.get_lines()
    assert [line.get_label() for line in lines] == ["red", "green", "blue"]
    assert len({line.get_linestyle() for line in lines}) == 3
    assert len({line.get_color() for line in lines}) == 3
    for line, row in zip(lines, counts, strict=True):
        assert np.asarray(line.get_xdata()).tolist() == list(range(256))
        assert np.asarray(line.get_ydata()) == pytest.approx((row / row.sum()).tolist())
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("intensity (0 to 255)", "share of pixels")
    assert axes.get_legend() is not None


def test_grey_images_are_one_line_and_peaks_do_not_flatten_the_rest() -> None:
    """Three lines on top of each other would show one; a high peak asks for a log scale."""
    counts = torch.ones(3, 256, dtype=torch.int64)
    counts[:, 0] = 10_000
    with paper_style():
        (axes,) = draw_channels(channels_info(counts)).axes
    (line,) = axes.get_lines()
    assert line.get_label() == "red, green and blue alike"
    assert (axes.get_yscale(), axes.get_ylabel()) == ("log", "share of pixels (log scale)")


@pytest.mark.slow
def test_all_files_are_written_and_the_same_again(
    make_dataset: DatasetMaker, tmp_path: Path
) -> None:
    """Two figures as PDF and PNG and the table, named after the dataset; no byte changes."""
    info = analysis_info(*make_dataset())
    paths = write_analysis(info, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [
        "pets-images.pdf",
        "pets-images.png",
        "pets-channels.pdf",
        "pets-channels.png",
        "pets-mean-std.csv",
    ]
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == {
        path.name for path in paths
    }
    before = [path.read_bytes() for path in paths]
    assert [content[:4] for content in before[:2]] == [b"%PDF", b"\x89PNG"]
    write_analysis(info, tmp_path / "new" / "folder")
    assert before == [path.read_bytes() for path in paths]


def test_a_folder_that_cannot_be_made_is_one_line(
    make_dataset: DatasetMaker, tmp_path: Path
) -> None:
    """A failure of the machine names the folder and says how to go on."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MachineError, match=r"output .* cannot be written: .*choose another output"):
        write_analysis(analysis_info(*make_dataset()), tmp_path / "file" / "folder")
