"""The report's table of means and standard deviations, of any images. Pure."""

import csv
import io

from search.data.statistics import ChannelStatistics

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
