"""Our table beside the hand-tuned report's. Pure.

The report's standard deviations carry the rounding of floating-point sums: from its table the sums
of its 40,960,000 values and of their squares follow as whole numbers, and their exact standard
deviations, such as 62.991723198841946 for red, differ from the report's after 14 digits. NumPy's
std over arrays (N, 3, H, W) of that size is as far off.
"""

from typing import NamedTuple

from search.reference.info_table import CHANNELS, ROWS, Table

# Source: cifar10-mean-std.csv of the report.
REPORTED: Table = (
    (125.36226708984375, 123.04029643554688, 113.9900185546875),
    (62.99172319884214, 62.10269257704036, 66.75451872125706),
    (0.4916167336856618, 0.48251096641390934, 0.4470196806066176),
    (0.24702636548565543, 0.24353997089035434, 0.2617824263578708),
)
_MOST_DIGITS = 17  # tell any two floats apart
_ROUNDING_DIGITS = 12  # what a careless sum of so many numbers keeps at least


class Comparison(NamedTuple):
    """A number of the table: the report's, ours, and to how many digits the two agree."""

    name: str
    reported: float
    ours: float
    n_digits: int

    @property
    def agrees(self) -> bool:
        """Return whether the two agree to the last digit."""
        return self.ours == self.reported

    @property
    def differs_by_rounding(self) -> bool:
        """Return whether the two differ by no more than rounding in the report's sums."""
        return not self.agrees and self.n_digits >= _ROUNDING_DIGITS


def compare_tables(ours: Table, reported: Table = REPORTED) -> tuple[Comparison, ...]:
    """Return each number of the table, row by row."""
    return tuple(
        Comparison(f"{row}, {channel}", theirs, own, agreeing_digits(own, theirs))
        for row, own_row, their_row in zip(ROWS, ours, reported, strict=True)
        for channel, own, theirs in zip(CHANNELS, own_row, their_row, strict=True)
    )


def agreeing_digits(a: float, b: float) -> int:
    """Return the most significant digits to which both round to the same number, 0 to 17."""
    for digits in range(_MOST_DIGITS, 0, -1):
        if f"{a:.{digits - 1}e}" == f"{b:.{digits - 1}e}":
            return digits
    return 0
