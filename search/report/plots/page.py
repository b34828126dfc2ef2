"""What the interactive plots of the page share: colours of text and grid come from its theme."""

import html
from typing import Any, NamedTuple

import plotly.graph_objects as go

from search.metric import Metric

# The template "none" keeps plotly's own colours out; the page's script adds those of its theme.
_LAYOUT: dict[str, Any] = {
    "template": "none",
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "margin": {"l": 60, "r": 16, "t": 16, "b": 48},
    "hovermode": "closest",
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
}


class Chart(NamedTuple):
    """A plotly figure with its size in CSS pixels.

    Under `min_width` it scrolls sideways instead of shrinking.
    """

    figure: go.Figure
    height: int
    min_width: int = 0


def new_chart_figure(**layout: Any) -> go.Figure:
    """Return an empty figure with the shared layout."""
    figure = go.Figure(layout=_LAYOUT | layout)
    figure.update_xaxes(title_font_size=13, title_standoff=12)
    figure.update_yaxes(title_font_size=13, title_standoff=12)
    return figure


def escape(text: str) -> str:
    """Return a text that plotly shows as it is: plotly reads a subset of HTML in labels."""
    return html.escape(text, quote=False)


def wrap(text: str, width: int = 44) -> str:
    """Return an escaped text broken into lines, for a hover label that a telephone has room for."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "<br>".join(escape(part) for part in (*lines, line))


def metric_format(metric: Metric) -> str:
    """Return plotly's tick format: accuracies are fractions shown as percentages."""
    return ".0%" if metric == "accuracy" else ".3~g"
