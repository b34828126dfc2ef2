"""The values that a chart draws, as CSV: a row for each point or bar. Pure."""

import html
from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go

from search.report.charts import TRIAL_STORY
from search.report.csv_text import csv_text

_COLUMNS = ("series", "x axis", "x", "y axis", "y", "trial")
_Row = tuple[Any, ...]


def figure_csv(figure: go.Figure) -> str:
    """Write the values of a figure of scatter and bar traces, every digit kept.

    Columns that are empty throughout are left out. Raises TypeError for another kind of trace.
    """
    rows = [row for trace in figure.data for row in _rows(trace, figure.layout)]
    places = range(len(_COLUMNS))
    used = [place for place in places if any(row[place] not in ("", None) for row in rows)]
    return csv_text(
        [_COLUMNS[place] for place in used], ([row[place] for place in used] for row in rows)
    )


def _rows(trace: Any, layout: go.Layout) -> Iterator[_Row]:
    if not isinstance(trace, go.Scatter | go.Bar):
        raise TypeError(f"cannot write the values of a {type(trace).__name__} as CSV")
    name = _plain(trace.name)
    along, up = _axis(trace.xaxis or "x", layout), _axis(trace.yaxis or "y", layout)
    match trace:
        case go.Scatter():
            told = TRIAL_STORY in (trace.hovertemplate or "")
            trials = trace.customdata if told and trace.customdata is not None else ()
            numbers = [*trials, *[None] * (len(trace.x) - len(trials))]
            for x, y, number in zip(trace.x, trace.y, numbers, strict=True):
                if x is not None and y is not None:
                    yield name, along, _plain(x), up, _plain(y), number
        case go.Bar():
            for x, y in zip(trace.x, trace.y, strict=True):
                yield name, along, _plain(x), up, _plain(y), None


def _axis(name: str, layout: go.Layout) -> str:
    """The title of the axis named "x2", "y" and so on."""
    title = layout[f"{name[0]}axis{name[1:]}"].title.text
    return str(_plain(title or ""))


def _plain(value: Any) -> Any:
    """A label without plotly's markup; other values as they are."""
    if not isinstance(value, str):
        return value
    return html.unescape(value.replace("<br>", " ").replace("<b>", "").replace("</b>", ""))
