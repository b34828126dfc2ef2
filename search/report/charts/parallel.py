"""The interactive parallel coordinates: info -> plotly.

Plotly's own kind for this needs WebGL, which not every browser has and no printer shows, so the
lines are plain ones.
"""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from search.plotting import GREY
from search.report.charts.base import Chart, escape, new_chart_figure
from search.report.info.parallel import Dimension, ParallelCoordinatesInfo
from search.report.plots.trials import HoverTexts

SHADES = 8  # trials of one shade share a trace, which keeps thousands of lines quick
_AXIS = 84  # pixels from one axis to the next where the chart is at its narrowest
_ANGLE = 25  # degrees by which names rise, so that they do not meet
_NAME = 24  # characters in a line of a name


def parallel_coordinates_chart(info: ParallelCoordinatesInfo, stories: HoverTexts) -> Chart:
    """Return the trials as lines through the score and all parameters, coloured by score."""
    axes = _score_first(info)
    n, beyond = len(axes), _beyond(axes[-1])
    figure = new_chart_figure(
        showlegend=False,
        # Once a trial: the page's script puts them in the place of the trials' numbers.
        meta={"stories": {str(number): stories[number] for number in info.numbers}},
        margin={"l": 8, "r": beyond, "t": 90, "b": 16},
        xaxis={
            "side": "top",
            "tickvals": list(range(n)),
            "ticktext": [escape(_in_lines(axis.name)).replace("\n", "<br>") for axis in axes],
            "tickangle": -_ANGLE,
            "range": [-0.2, n - 1],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        yaxis={"range": [-0.04, 1.04], "visible": False, "fixedrange": True},
        shapes=[_axis_line(place) for place in range(n)],
        annotations=[
            _tick(place, position, label)
            for place, dimension in enumerate(axes)
            for position, label in dimension.ticks
        ],
    )
    for shade, trials in enumerate(_by_shade(info)):
        if trials:
            figure.add_trace(_lines(info, trials, shade / (SHADES - 1)))
    alt = f"{len(info.values)} trials as lines through their parameters"
    return Chart("parallel-coordinates", alt, figure, 440, _AXIS * n + beyond)


def _in_lines(name: str) -> str:
    return textwrap.fill(name, _NAME)


def _beyond(last: Dimension) -> int:
    """Return the pixels that the last axis's name and ticks need to its right."""
    name = 7 * math.cos(math.radians(_ANGLE)) * max(map(len, _in_lines(last.name).split("\n")))
    ticks = 6.5 * max(len(label) for _, label in last.ticks)
    return round(max(name, ticks)) + 16


def _score_first(info: ParallelCoordinatesInfo) -> tuple[Dimension, ...]:
    """Return the axes so that a screen which shows only some of them shows the score."""
    return (info.dimensions[-1], *info.dimensions[:-1])


def _by_shade(info: ParallelCoordinatesInfo) -> list[list[int]]:
    """Return the trials in SHADES groups of equal width in score, the best group last."""
    low, high = min(info.values), max(info.values)
    groups: list[list[int]] = [[] for _ in range(SHADES)]
    for trial, value in enumerate(info.values):
        share = (value - low) / (high - low) if high > low else 1.0
        goodness = share if info.metric == "accuracy" or high == low else 1 - share
        groups[min(int(goodness * SHADES), SHADES - 1)].append(trial)
    return groups


def _lines(info: ParallelCoordinatesInfo, trials: Sequence[int], goodness: float) -> go.Scatter:
    axes = _score_first(info)
    xs: list[int | None] = []
    ys: list[float | None] = []
    texts: list[str] = []
    numbers: list[int | None] = []
    for trial in trials:
        for place, dimension in enumerate(axes):
            xs.append(place)
            ys.append(dimension.positions[trial])
            texts.append(f"{escape(dimension.name)}: {escape(dimension.labels[trial])}")
            numbers.append(info.numbers[trial])
        xs.append(None)  # a gap before the next line
        ys.append(None)
        texts.append("")
        numbers.append(None)
    # The best trials are the darkest on paper and the brightest in the dark.
    on_light, on_dark = sample_colorscale("Viridis", [0.88 * (1 - goodness), 0.2 + 0.8 * goodness])
    return go.Scatter(
        x=xs,
        y=ys,
        text=texts,
        customdata=numbers,
        mode="lines",
        line={"color": on_light, "width": 1 + goodness},
        meta={"colour_on_dark": on_dark},
        hovertemplate="%{text}<br>%{customdata}<extra></extra>",
    )


def _axis_line(place: int) -> dict[str, Any]:
    line = {"color": GREY, "width": 1}
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": line}


def _tick(place: int, position: float, label: str) -> dict[str, Any]:
    return {
        "x": place,
        "y": position,
        "text": escape(label),
        "showarrow": False,
        "xanchor": "left",
        "xshift": 3,
        "borderpad": 1,
        "font": {"size": 11},
    }
