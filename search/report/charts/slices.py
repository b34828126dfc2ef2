"""The interactive slices, the score over each parameter: info -> plotly."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from search.plotting import VERMILLION
from search.report.charts.base import Chart, escape, metric_format, new_chart_figure
from search.report.info.slices import Slice, SlicesInfo
from search.report.plots.trials import HoverTexts, page_mark
from search.report.trials import ENDED

_COLUMNS = 3
_NARROWEST = 270  # pixels of a panel's width
_PANEL, _GAP = 200, 104  # pixels of a panel's height, and between two
_TOP, _BOTTOM = 92, 60  # pixels of the legend with a title, and of the ticks' names
_CORNER = {"xref": "container", "x": 0, "yref": "container", "y": 1, "yanchor": "top"}
_NAME, _SCORE, _TICK = 32, 20, 12  # characters in a line of each


def slices_chart(info: SlicesInfo, stories: HoverTexts) -> Chart:
    """Return a panel for each parameter with the trials as points; all have the score's axis."""
    n = len(info.slices)
    rows = -(-n // _COLUMNS)
    height = rows * _PANEL + (rows - 1) * _GAP
    figure = _panels(info, height)
    # Once a trial: the page's script puts them in the place of the trials' numbers.
    figure.update_layout(meta={"stories": {str(one): stories[one] for one in info.numbers}})
    for index, one in enumerate(info.slices):
        row, column = divmod(index, _COLUMNS)
        place = {"row": row + 1, "col": column + 1}
        figure.update_xaxes(_axis(one), **place)
        for trace in _traces(info, one):
            figure.add_trace(trace.update(showlegend=index == 0), **place)
    names = ", ".join(one.axis.name for one in info.slices)
    alt = f"The score of {len(info.numbers)} trials over each of {n} parameters: {names}"
    return Chart("slices", alt, figure, _TOP + height + _BOTTOM, _NARROWEST * min(n, _COLUMNS))


def _panels(info: SlicesInfo, height: int) -> go.Figure:
    """Return the empty panels under their titles."""
    n = len(info.slices)
    figure = new_chart_figure(
        margin={"l": 84, "r": 16, "t": _TOP, "b": _BOTTOM},
        legend={"orientation": "h", **_CORNER},
    )
    figure.set_subplots(
        -(-n // _COLUMNS),
        min(n, _COLUMNS),
        subplot_titles=[_title(one) for one in info.slices],
        shared_yaxes="all",
        horizontal_spacing=0.06,
        vertical_spacing=_GAP / height,
    )
    figure.update_annotations(font_size=12)
    # Each panel has its ticks: on a telephone one sees a panel at a time.
    ticks = {"tickformat": metric_format(info.metric), "showticklabels": True, "nticks": 5}
    figure.update_yaxes(zeroline=False, **ticks)
    figure.update_yaxes(
        title=_in_lines(info.score, _SCORE), title_font_size=12, title_standoff=26, col=1
    )
    return figure


def _title(one: Slice) -> str:
    return f"<b>{_in_lines(one.axis.name, _NAME)}</b><br>{one.weight}"


def _in_lines(text: str, width: int) -> str:
    """Return an escaped text in at most two lines."""
    return "<br>".join(map(escape, textwrap.wrap(text, width, max_lines=2, placeholder="…")))


def _axis(one: Slice) -> dict[str, Any]:
    return {
        "range": one.reach,
        "tickvals": [position for position, _ in one.axis.ticks],
        "ticktext": [_in_lines(label, _TICK) for _, label in one.axis.ticks],
        "tickfont": {"size": 11},
        "zeroline": False,
    }


def _traces(info: SlicesInfo, one: Slice) -> Iterator[go.Scatter]:
    """Yield the trials by kind, then the winner over them."""
    for kind in ENDED:
        if trials := info.of_kind(kind):
            yield _marks(info, one, trials, page_mark(kind) | {"size": 8}, kind)
    if info.winner in info.numbers:
        star = {"symbol": "star", "size": 14, "color": VERMILLION}
        yield _marks(info, one, [info.numbers.index(info.winner)], star, "winner")


def _marks(
    info: SlicesInfo, one: Slice, trials: Sequence[int], marker: dict[str, Any], name: str
) -> go.Scatter:
    return go.Scatter(
        x=[one.places[trial] for trial in trials],
        y=[info.values[trial] for trial in trials],
        text=[f"{escape(one.axis.name)}: {escape(one.axis.labels[trial])}" for trial in trials],
        customdata=[info.numbers[trial] for trial in trials],
        mode="markers",
        marker=marker,
        name=name,
        legendgroup=name,
        hovertemplate="%{text}<br>%{customdata}<extra></extra>",
    )
