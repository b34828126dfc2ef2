"""How the report writes numbers."""

from datetime import datetime

import pytest

from search.report import text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (59.97, "1 min 00 s"),
        (60, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (4350, "1 h 12 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    """Durations keep their two largest units, and rounding never shows 60."""
    assert text.duration(seconds) == words


def test_scores() -> None:
    """Accuracies are percentages, losses have four decimals, and nothing is a dash."""
    assert text.score(0.81237, "accuracy") == "81.24%"
    assert text.score(0.64631, "loss") == "0.6463"
    assert text.score(None, "loss") == "–"
    assert text.spread(0.0049, "accuracy") == "0.49 points"


def test_times_and_moment() -> None:
    """Counts of openings read as words, and a time without a zone is shown without one."""
    assert [text.opened(n) for n in (0, 1, 3)] == ["never opened", "opened once", "opened 3 times"]
    assert text.moment(datetime(2025, 6, 1, 12, 30)) == "2025-06-01 12:30:00"
