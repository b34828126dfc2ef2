"""The test split's confusion matrix as counts and shares. Pure."""

from typing import NamedTuple

from search.training.metrics import TestResult


class ConfusionInfo(NamedTuple):
    """`counts[i][j]` images of class i were called j; percentages are of the row's sum."""

    class_names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    row_percentages: tuple[tuple[float, ...], ...]


def confusion_info(test: TestResult | None) -> ConfusionInfo | None:
    """Return the confusion matrix, or None before the test; an empty row has 0 percent."""
    if test is None:
        return None
    return ConfusionInfo(
        class_names=tuple(result.name for result in test.classes),
        counts=test.confusion,
        row_percentages=tuple(
            tuple(100 * count / max(sum(row), 1) for count in row) for row in test.confusion
        ),
    )
