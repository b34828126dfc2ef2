"""How the program writes numbers."""

from datetime import datetime

import pytest

from search import text
from search.metric import ACCURACY, LOSS


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "less than 0.1 s"),
        (2.0, "2 s"),
        (None, "–"),
        (59.9, "59.9 s"),
        (59.97, "1 min 00 s"),
        (60, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (4350, "1 h 12 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_duration(seconds: float | None, words: str) -> None:
    """Durations keep their two largest units, and rounding never shows 60."""
    assert text.duration(seconds) == words


def test_scores() -> None:
    """Accuracies are percentages, losses have four decimals, and nothing is a dash."""
    assert text.score(0.81237, ACCURACY) == "81.24%"
    assert text.score(0.64631, LOSS) == "0.6463"
    assert text.score(None, LOSS) == "–"
    assert text.spread(0.0049, ACCURACY) == "0.49 points"


def test_times_and_moment() -> None:
    """Counts of openings read as words, and a time without a zone is shown without one."""
    assert [text.opened(n) for n in (0, 1, 3)] == ["never opened", "opened once", "opened 3 times"]
    assert text.moment(datetime(2025, 6, 1, 12, 30)) == "2025-06-01 12:30:00"


@pytest.mark.parametrize(
    ("difference", "words"),
    [(0.0912, "+9.12"), (-0.004, "−0.40"), (0.0, "0.00"), (-0.00001, "0.00")],
)
def test_points(difference: float, words: str) -> None:
    """A gain has a plus, a loss a minus, and what rounds to nothing has neither."""
    assert text.points(difference) == words


@pytest.mark.parametrize(
    ("p_value", "words"), [(0.01234, "p = 0.0123"), (1.0, "p = 1.0000"), (1e-9, "p < 0.0001")]
)
def test_probability(p_value: float, words: str) -> None:
    """Small p-values are bounded, not written as zero, and none is broken over two lines."""
    assert text.probability(p_value).split("\N{NO-BREAK SPACE}") == words.split()


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.2, 0.4, "about 1 s"),
        (7.2, 21.6, "about 7 to 20 s"),
        (40 * 60, 2 * 3600, "about 40 min to 2 h"),
        (5000, 9000, "about 85 min to 2.5 h"),
        (3 * 86400, 3.2 * 86400, "about 3 days"),
    ],
)
def test_estimates_are_rounded_to_what_is_known(low: float, high: float, words: str) -> None:
    """A guess shows no more digits than it has."""
    assert text.rough_range(low, high) == words


def test_settings_are_written_as_in_a_recipe() -> None:
    """Not as Python has them."""
    assert [text.setting(one) for one in (True, False, None, 3, "a")] == [
        "true", "false", "none", "3", "'a'",
    ]  # fmt: skip
