"""What the charts that are no findings yet share."""

from typing import NamedTuple

import plotly.graph_objects as go

from search.report.plots.page import escape, metric_format, new_chart_figure, wrap

__all__ = ["Chart", "escape", "metric_format", "new_chart_figure", "wrap"]


class Chart(NamedTuple):
    """A plotly figure with its place in the page; sizes in CSS pixels.

    Under `min_width` the chart scrolls sideways instead of shrinking.
    """

    name: str
    alt: str
    figure: go.Figure
    height: int
    min_width: int
