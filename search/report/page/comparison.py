"""The page of several studies: info -> one HTML text that needs no other file. Pure."""

from collections.abc import Iterable

from search import text
from search.report.charts.base import Chart
from search.report.info.comparison import ComparisonInfo
from search.report.render.html import figure_json, render_template
from search.report.tables_comparison import READING, notes, text_rows


def render_comparison(info: ComparisonInfo, charts: Iterable[Chart], command: str) -> str:
    """Return the page as HTML; every name from outside is escaped. `command` makes it again."""
    values = {
        "info": info,
        "charts": {chart.name: chart for chart in charts},
        "chart_json": figure_json,
        "rows": list(zip(info.rows, text_rows(info), strict=True)),
        "notes": notes(info),
        "reading": READING,
        "command": command,
        "text": text,
    }
    return render_template("comparison.html.jinja", values)
