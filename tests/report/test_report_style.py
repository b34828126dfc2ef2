"""The page's colours: enough contrast for everyone, light and dark (WCAG 2.2, level AA)."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from search import plotting

CSS = files("search.report.render").joinpath("page.css").read_text("utf-8")
TEXT, MARK = 4.5, 3.0  # least ratios: success criteria 1.4.3 and 1.4.11
MARKS = (plotting.BLUE, plotting.ORANGE, plotting.GREEN, plotting.VERMILLION, plotting.PURPLE)
CELL = 0.75  # how much of the blue the fullest cell of the confusion matrix has


def schemes() -> dict[str, dict[str, str]]:
    """Return each scheme's colours by their names; those of the dark come over the light ones."""
    light, dark = re.findall(r":root[^{]*\{([^}]*--text[^}]*)\}", CSS)
    return {"light": _colours(light), "dark": _colours(light) | _colours(dark)}


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    """Return the relative luminance of "#rrggbb" as WCAG defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def blended(colour: str, ground: str, share: float) -> str:
    pairs = [(int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def test_contrast_is_that_of_the_standard() -> None:
    """Black on white is 21:1, and the grey that just passes is #767676."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") >= TEXT > contrast("#777777", "#ffffff")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "panel", "notice"])
@pytest.mark.parametrize("text", ["text", "quiet", "accent"])
def test_texts_stand_out(scheme: str, ground: str, text: str) -> None:
    """Texts, quiet ones and links too, can be read on every ground there is."""
    colours = schemes()[scheme]
    assert contrast(colours[text], colours[ground]) >= TEXT


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mark", [*MARKS, plotting.GREY])
def test_marks_of_charts_stand_out(scheme: str, mark: str) -> None:
    """Lines and points of every colour in use can be told from the ground."""
    colours = schemes()[scheme]
    shade = colours.get(f"chart-{mark.removeprefix('#')}", mark)
    assert contrast(shade, colours["ground"]) >= MARK


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_in_the_fullest_cell_stand_out(scheme: str) -> None:
    """The confusion matrix keeps its numbers readable where its blue is strongest."""
    colours = schemes()[scheme]
    cell = blended(plotting.BLUE, colours["ground"], CELL)
    assert contrast(colours["text"], cell) >= TEXT


def test_shades_are_of_colours_in_the_palette() -> None:
    """A shade in the style sheet belongs to a colour that the charts know."""
    known = {colour.removeprefix("#") for colour in (*MARKS, plotting.SKY, plotting.GREY)}
    assert set(re.findall(r"--chart-(\w+):", CSS)) <= known


def test_letters_that_the_font_lacks_are_no_warning(tmp_path: Path) -> None:
    """A class may have any name; the figure has boxes then, and the terminal nothing."""
    figure = plotting.new_figure(1.0)
    figure.add_subplot().set_title("日本")
    for suffix in ("png", "pdf"):
        plotting.save_figure(figure, tmp_path / f"figure.{suffix}")
        assert (tmp_path / f"figure.{suffix}").stat().st_size > 0
