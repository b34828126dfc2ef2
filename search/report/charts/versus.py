"""The interactive chart of winner and baseline by class: info -> plotly."""

from collections.abc import Sequence

import plotly.graph_objects as go

from search.plotting import BLUE, GREY, ORANGE
from search.report.charts.base import Chart, escape, new_chart_figure
from search.report.info.gains import ClassGain
from search.report.info.versus import VersusInfo
from search.text import percent, points


def versus_chart(info: VersusInfo) -> Chart:
    """Return both recalls of each class, joined; hovering gives counts and gain."""
    rows = (info.overall, *info.shown)
    names = ["<b>all classes</b>", *(escape(row.name) for row in rows[1:])]
    figure = new_chart_figure(
        xaxis={"title": "images of the class that are right (recall)", "tickformat": ".0%"},
        yaxis={"tickvals": list(range(len(rows))), "ticktext": names},
        margin={"l": 16, "r": 16, "t": 40, "b": 48},
    )
    figure.update_xaxes(fixedrange=True, zeroline=False)
    figure.update_yaxes(
        automargin=True, fixedrange=True, showgrid=False, zeroline=False, autorange="reversed"
    )
    figure.add_trace(_joints(rows))
    baseline, diamond = (
        [row.baseline_recall for row in rows],
        {"color": ORANGE, "symbol": "diamond"},
    )
    figure.add_trace(_dots("baseline", rows, baseline, diamond))
    winner, circle = [row.winner_recall for row in rows], {"color": BLUE, "symbol": "circle"}
    figure.add_trace(_dots("winner", rows, winner, circle))
    alt = f"Recall of {len(rows) - 1} classes and of all together, baseline beside winner"
    return Chart("versus-baseline", alt, figure, 110 + 26 * len(rows), 0)


def _joints(rows: Sequence[ClassGain]) -> go.Scatter:
    """Return the lines from dot to dot as one trace with gaps."""
    xs: list[float | None] = []
    ys: list[int | None] = []
    for place, row in enumerate(rows):
        xs += [row.baseline_recall, row.winner_recall, None]
        ys += [place, place, None]
    line = {"color": GREY, "width": 1.5}
    return go.Scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _dots(
    name: str, rows: Sequence[ClassGain], recalls: Sequence[float], marker: dict[str, str]
) -> go.Scatter:
    return go.Scatter(
        x=recalls,
        y=list(range(len(rows))),
        mode="markers",
        marker=marker | {"size": 11},
        name=name,
        text=[_story(row) for row in rows],
        hovertemplate="%{text}<extra></extra>",
    )


def _story(row: ClassGain) -> str:
    def part(name: str, recall: float, right: int) -> str:
        return f"{name}: {percent(recall)} ({right:,} of {row.n_images:,})"

    return "<br>".join(
        (
            f"<b>{escape(row.name)}</b>, {points(row.gain, 1)} points",
            part("winner", row.winner_recall, row.winner_right),
            part("baseline", row.baseline_recall, row.baseline_right),
        )
    )
