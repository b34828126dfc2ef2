"""Interactive charts of the search: info -> plotly."""

from typing import Any

import plotly.graph_objects as go

from search.plotting import BLUE, GREY
from search.report.charts.base import Chart, escape, metric_format, new_chart_figure
from search.report.charts.stories import Stories
from search.report.info.history import OptimizationHistoryInfo, TrialPoint
from search.report.info.importances import ImportancesInfo
from search.report.kinds import ENDED, KIND_COLOURS, KIND_NAMES
from search.tuning.records import TrialKind

_SYMBOLS: dict[TrialKind, str] = {
    "complete": "circle",
    "pruned": "circle-open",
    "diverged": "x-thin-open",
    "infeasible": "triangle-down",
    "failed": "cross-thin-open",
}
MOST_BARS = 15


def optimization_history_chart(info: OptimizationHistoryInfo, stories: Stories) -> Chart:
    """Return the trials by kind and the best so far; hovering tells each trial's story."""
    figure = new_chart_figure(
        xaxis={"title": "trial, in the plan's order"},
        yaxis={"title": f"validation {info.metric}", "tickformat": metric_format(info.metric)},
        # Trials without a score have a place but no height: they stand at the foot.
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        margin={"l": 60, "r": 16, "t": 48, "b": 48},
    )
    best = [(p.plan, p.best) for p in info.points if p.best is not None]
    figure.add_scatter(
        x=[plan for plan, _ in best],
        y=[value for _, value in best],
        mode="lines",
        line={"shape": "hv", "color": GREY, "width": 1.5},
        name="best so far",
        hoverinfo="skip",
    )
    for kind in ENDED:
        for valued in (True, False):
            points = [p for p in info.points if p.kind == kind and (p.value is None) != valued]
            if points:
                figure.add_trace(_trial_marks(points, stories, valued=valued))
    alt = f"Validation {info.metric} of each ended trial and the best so far"
    return Chart("optimization-history", alt, figure, 400, 0)


def mark_style(kind: TrialKind) -> dict[str, Any]:
    """Return how a trial of which that became is marked."""
    colour = KIND_COLOURS[kind]
    return {
        "color": colour,
        "symbol": _SYMBOLS[kind],
        "size": 9,
        "line": {"color": colour, "width": 1.5},
    }


def _trial_marks(points: list[TrialPoint], stories: Stories, *, valued: bool) -> go.Scatter:
    kind = points[0].kind
    return go.Scatter(
        x=[p.plan for p in points],
        y=[p.value if valued else 0.02 for p in points],
        yaxis="y" if valued else "y2",
        mode="markers",
        name=KIND_NAMES[kind] if valued else f"{kind}, no score",
        marker=mark_style(kind),
        text=[stories[p.number] for p in points],
        hovertemplate="%{text}<extra></extra>",
    )


def importances_chart(info: ImportancesInfo) -> Chart:
    """Return the parameters' importances as bars, the most important on top."""
    names, values = info.names[:MOST_BARS], info.values[:MOST_BARS]
    figure = new_chart_figure(
        xaxis={"title": "importance", "range": [0, 1.15 * max(values)], "fixedrange": True},
        yaxis={"autorange": "reversed", "automargin": True, "type": "category", "showgrid": False},
        barmode="overlay",
        margin={"l": 60, "r": 16, "t": 40, "b": 48},
    )
    rows: dict[str, Any] = {"y": [escape(name) for name in names], "orientation": "h"}
    figure.add_bar(
        x=info.chance[:MOST_BARS],
        **rows,
        name="by chance at most",
        width=0.86,
        marker={"color": "rgba(136, 136, 136, 0.22)", "line": {"color": GREY, "width": 1}},
        hovertemplate="%{y}: by chance at most %{x:.1%}<extra></extra>",
    )
    figure.add_bar(
        x=values,
        **rows,
        name="importance",
        width=0.5,
        marker={"color": BLUE},
        texttemplate="%{x:.2f}",
        textposition="outside",
        cliponaxis=False,
        text=[f"{place}." for place in range(1, len(names) + 1)],
        hovertemplate="%{text} %{y}: %{x:.1%} of the importance<extra></extra>",
    )
    alt = f"Importance of each parameter; the greatest is {names[0]} with {values[0]:.2f}"
    return Chart("importances", alt, figure, 90 + 26 * len(names), 0)
