"""Interactive charts of the search: info -> plotly."""

import plotly.graph_objects as go

from search.plotting import GREY
from search.report.charts.base import Chart, metric_format, new_chart_figure
from search.report.info.history import OptimizationHistoryInfo, TrialPoint
from search.report.plots.trials import KIND_NAMES, HoverTexts, page_mark
from search.report.trials import ENDED


def optimization_history_chart(info: OptimizationHistoryInfo, stories: HoverTexts) -> Chart:
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


def _trial_marks(points: list[TrialPoint], stories: HoverTexts, *, valued: bool) -> go.Scatter:
    kind = points[0].kind
    return go.Scatter(
        x=[p.plan for p in points],
        y=[p.value if valued else 0.02 for p in points],
        yaxis="y" if valued else "y2",
        mode="markers",
        name=KIND_NAMES[kind] if valued else f"{kind}, no score",
        marker=page_mark(kind),
        text=[stories[p.number] for p in points],
        hovertemplate="%{text}<extra></extra>",
    )
