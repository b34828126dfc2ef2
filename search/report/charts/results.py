"""The interactive chart of several studies' test accuracies: info -> plotly."""

import plotly.graph_objects as go

from search.plotting import BLUE, ORANGE
from search.report.charts.base import Chart, escape, new_chart_figure
from search.report.info.comparison import ComparisonInfo
from search.report.info.estimate import Estimate
from search.report.tables_comparison import estimate_text


def results_chart(info: ComparisonInfo) -> Chart:
    """Return each study's test accuracy with its interval or deviation, the first study on top."""
    tested = [(row.study, row.kind, row.test) for row in info.rows if row.test is not None]
    figure = new_chart_figure(
        xaxis={"title": "test accuracy", "tickformat": ".0%", "zeroline": False},
        yaxis={"autorange": "reversed", "automargin": True, "showgrid": False, "zeroline": False},
        margin={"l": 16, "r": 16, "t": 40, "b": 48},
    )
    places = list(range(len(tested)))
    figure.update_yaxes(tickvals=places, ticktext=[escape(study) for study, _, _ in tested])
    for name, colour, symbol in (("search", BLUE, "circle"), ("baseline", ORANGE, "diamond")):
        chosen = [
            (place, study, test) for place, (study, kind, test) in enumerate(tested) if kind == name
        ]
        if chosen:
            figure.add_trace(_marks(name, chosen, {"color": colour, "symbol": symbol}))
    alt = f"Test accuracy of {len(tested)} studies, each with its interval or deviation"
    return Chart("results", alt, figure, 110 + 34 * len(tested), 0)


def _marks(
    name: str, tested: list[tuple[int, str, Estimate]], marker: dict[str, str]
) -> go.Scatter:
    bounds = [_bounds(test) for _, _, test in tested]
    values = [test.value for _, _, test in tested]
    return go.Scatter(
        x=values,
        y=[place for place, _, _ in tested],
        mode="markers",
        name=name,
        marker=marker | {"size": 10},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - value for value, (_, high) in zip(values, bounds, strict=True)],
            "arrayminus": [value - low for value, (low, _) in zip(values, bounds, strict=True)],
            "color": marker["color"],
        },
        text=[
            f"<b>{escape(study)}</b><br>{estimate_text(test, 'accuracy')}"
            for _, study, test in tested
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def _bounds(estimate: Estimate) -> tuple[float, float]:
    """Return the interval, or a standard deviation to both sides."""
    if estimate.interval is not None:
        return estimate.interval
    std = estimate.std or 0.0
    return estimate.value - std, estimate.value + std
