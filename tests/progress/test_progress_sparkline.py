"""A curve in one line of text."""

from search.progress.console import ASCII, BLOCKS, sparkline


def test_values_are_drawn_from_low_to_high() -> None:
    """The least value has the lowest character, the greatest the highest."""
    assert sparkline([0.0, 1.0], 10, "utf-8") == BLOCKS[0] + BLOCKS[-1]
    assert sparkline([1.0, 0.0], 10, "utf-8") == BLOCKS[-1] + BLOCKS[0]


def test_an_encoding_without_blocks_gets_plain_characters() -> None:
    """A terminal of ASCII or Latin-1, or of an unknown encoding, shows a curve all the same."""
    for encoding in ("ascii", "latin-1", "no-such-encoding"):
        drawn = sparkline([0.0, 0.5, 1.0], 10, encoding)
        assert len(drawn) == 3
        assert set(drawn) <= set(ASCII)


def test_a_long_curve_is_thinned_to_the_width_and_keeps_its_end() -> None:
    """Of many values the last of each part is drawn."""
    drawn = sparkline([0.0] * 99 + [1.0], 10, "utf-8")
    assert drawn == BLOCKS[0] * 9 + BLOCKS[-1]


def test_level_and_empty_curves_are_drawn() -> None:
    """Nothing is divided by a range of zero."""
    assert sparkline([], 10, "utf-8") == ""
    assert sparkline([0.5] * 3, 0, "utf-8") == ""
    assert len(set(sparkline([0.5] * 3, 10, "utf-8"))) == 1
