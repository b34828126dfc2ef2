"""What the parts of report.json share, under the names from before findings."""

from search.report.parts import (
    Interval,
    LocalTime,
    Number,
    Settings,
    Text,
    finite,
    without_folders,
)
from search.report.parts import (
    ReportPart as Facts,
)

__all__ = [
    "Facts",
    "Interval",
    "LocalTime",
    "Number",
    "Settings",
    "Text",
    "finite",
    "without_folders",
]
