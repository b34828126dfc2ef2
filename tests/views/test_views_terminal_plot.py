"""The curve in characters."""

import math

import pytest

from search.views.stored_trial import draw_curve


def plot(values: list[float], width: int = 30, *, braille: bool = False) -> list[str]:
    return draw_curve(values, width, lambda value: f"{value:.2f}", braille=braille)


@pytest.mark.parametrize("braille", [False, True])
@pytest.mark.parametrize("values", [[0.5], [0.1, 0.9], [1.0] * 7, [0.1 * i for i in range(300)]])
def test_plots_fit_their_width(values: list[float], braille: bool) -> None:
    """Twelve lines, none wider than asked for; ASCII alone where that is asked for."""
    lines = plot(values, braille=braille)
    assert len(lines) == 12
    assert max(map(len, lines)) <= 30
    assert all(line.isascii() for line in lines) or braille


def test_a_rising_curve_rises() -> None:
    """From the lowest label in the first column to the highest in the last, without a gap."""
    lines = plot([0.0, 1.0])
    assert lines[0].startswith("1.00 |")
    assert lines[0].endswith("*")
    assert lines[9].startswith("0.00 |*")
    assert lines[5].startswith("0.50 |")
    assert all("*" in line for line in lines[:10])
    assert lines[-1].split() == ["epoch", "1", "2"]


def test_a_level_curve_lies_in_the_middle() -> None:
    """With one label, its value."""
    lines = plot([0.5, 0.5, 0.5])
    assert [line for line in lines if "*" in line] == [f"0.50 |{'*' * 24}"]


def test_braille_has_eight_dots_a_character() -> None:
    """The first point is the lowest dot of its column."""
    lines = plot([0.0, 1.0], braille=True)
    assert lines[9].partition("│")[2][0] in "⡀⡠⡄⣀⡰⢀"


def test_what_is_not_finite_is_left_out() -> None:
    """A diverged epoch leaves a curve of the others; without any there is no plot."""
    assert plot([0.1, math.nan, 0.9])[0].startswith("0.90 |")
    assert plot([math.inf, math.nan]) == []
    assert plot([]) == []
