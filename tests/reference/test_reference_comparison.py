"""The table as a file, and beside the report's."""

import csv
import io
import math

import pytest

from search.data.dataset import ChannelStatistics
from search.reference.data_analysis import (
    REPORTED,
    Table,
    agreeing_digits,
    compare_tables,
    mean_std_table,
    table_csv,
)

_N = 40_000 * 32 * 32


def exact_table() -> Table:
    """Return the exact table of the report's images, from the sums that its own table gives.

    n * mean and n * (std**2 + mean**2) are whole there to within 0.002, and of the same parity,
    as the sum of values and the sum of their squares must be.
    """
    sums = [round(mean * _N) for mean in REPORTED[0]]
    squares = [
        round(_N * (std * std + mean * mean)) for mean, std in zip(*REPORTED[:2], strict=True)
    ]
    assert all((s1 - s2) % 2 == 0 for s1, s2 in zip(sums, squares, strict=True))
    pairs = list(zip(sums, squares, strict=True))
    return mean_std_table(
        ChannelStatistics(
            mean=tuple(s1 / _N for s1, _ in pairs),
            std=tuple(math.sqrt((_N * s2 - s1 * s1) / (_N * _N)) for s1, s2 in pairs),
        )
    )


def test_the_reports_own_table_agrees_with_itself() -> None:
    """All twelve numbers, to the last digit."""
    numbers = compare_tables(REPORTED)
    assert len(numbers) == 12
    assert all(one.agrees and not one.differs_by_rounding for one in numbers)
    assert [one.name for one in numbers[:4]] == [
        "Mean, Red",
        "Mean, Green",
        "Mean, Blue",
        "STD, Red",
    ]


def test_exact_numbers_agree_with_the_report_up_to_its_rounding() -> None:
    """Means agree to the last digit; deviations to at least 14, as the report rounded its sums."""
    numbers = compare_tables(exact_table())
    means = [one for one in numbers if "Mean" in one.name]
    deviations = [one for one in numbers if "STD" in one.name]
    assert all(one.agrees for one in means)
    assert all(one.differs_by_rounding and one.n_digits >= 14 for one in deviations)


def test_other_pixels_do_not_pass_for_rounding() -> None:
    """One value changed by one in 41 million shows."""
    (_, *rest), others = REPORTED[0], REPORTED[1:]
    changed = compare_tables(((REPORTED[0][0] + 1 / _N, *rest), *others))[0]
    assert not changed.agrees
    assert not changed.differs_by_rounding


@pytest.mark.parametrize(
    ("a", "b", "digits"),
    [
        (1.25, 1.25, 17),
        (125.36, 125.32, 3),
        (99.96, 100.01, 3),
        (0.4916, 0.5, 1),
        (1.0, 3.0, 0),
        (62.99172319884214, 62.991723198841946, 14),
    ],
)
def test_digits_agree_where_both_round_alike(a: float, b: float, digits: int) -> None:
    """Counted from the first digit that is not zero, and the same both ways."""
    assert agreeing_digits(a, b) == agreeing_digits(b, a) == digits


def test_the_csv_has_the_reports_rows_columns_and_digits() -> None:
    """Read again, every number is the same float."""
    text = table_csv(REPORTED)
    lines = text.splitlines()
    assert lines[0] == ",Red,Green,Blue"
    assert lines[1] == "Mean,125.36226708984375,123.04029643554688,113.9900185546875"
    rows = list(csv.reader(io.StringIO(text)))[1:]
    assert [row[0] for row in rows] == [
        "Mean",
        "STD",
        "Normalized Mean (/255)",
        "Normalized STD (/255)",
    ]
    assert tuple(tuple(map(float, row[1:])) for row in rows) == REPORTED
