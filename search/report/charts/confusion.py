"""The interactive confusion matrix: info -> plotly."""

from search.report.charts.base import Chart, escape, new_chart_figure
from search.report.info.confusion import ConfusionInfo

MOST_WITH_PERCENTAGES = 12
MOST_WITH_COUNTS = 25


def confusion_chart(info: ConfusionInfo) -> Chart:
    """Return the confusion matrix, coloured by row percentage; hovering gives both figures."""
    n = len(info.class_names)
    names = [escape(name) for name in info.class_names]
    figure = new_chart_figure(
        xaxis={"title": "predicted class", "tickvals": list(range(n)), "ticktext": names},
        yaxis={"title": "true class", "tickvals": list(range(n)), "ticktext": names},
        margin={"l": 16, "r": 16, "t": 16, "b": 16},
    )
    figure.update_xaxes(automargin=True, fixedrange=True, showgrid=False, zeroline=False)
    figure.update_yaxes(
        automargin=True, fixedrange=True, showgrid=False, zeroline=False, autorange="reversed"
    )
    figure.add_heatmap(
        z=info.row_percentages,
        zmin=0,
        zmax=100,
        # from nothing to blue, so that it reads on a light and on a dark page
        colorscale=[[0, "rgba(0,114,178,0)"], [1, "rgba(0,114,178,0.75)"]],
        showscale=False,
        xgap=1,
        ygap=1,
        text=_cell_texts(info),
        texttemplate="%{text}" if n <= MOST_WITH_COUNTS else None,
        customdata=_cell_stories(info),
        hovertemplate="%{customdata}<extra></extra>",
    )
    alt = f"Confusion matrix of {n} classes on the test images"
    cell = 44 if n <= MOST_WITH_PERCENTAGES else 30 if n <= MOST_WITH_COUNTS else 22
    return Chart("confusion-matrix", alt, figure, 140 + cell * n, 160 + cell * n)


def _cell_texts(info: ConfusionInfo) -> list[list[str]]:
    with_percentages = len(info.class_names) <= MOST_WITH_PERCENTAGES
    return [
        [
            f"{count:,}<br>{share:.1f}%" if with_percentages else f"{count:,}"
            for count, share in zip(counts, shares, strict=True)
        ]
        for counts, shares in zip(info.counts, info.row_percentages, strict=True)
    ]


def _cell_stories(info: ConfusionInfo) -> list[list[str]]:
    names = [escape(name) for name in info.class_names]
    return [
        [
            f"{names[i]} called {names[j]}: {count:,} ({info.row_percentages[i][j]:.1f}%)"
            for j, count in enumerate(row)
        ]
        for i, row in enumerate(info.counts)
    ]
