"""The page: info -> one HTML text that needs neither network nor other files. Pure."""

from collections.abc import Iterable
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from search.final.reported import reported_note
from search.report import info_facts, text
from search.report.charts_base import Chart
from search.report.info import ReportInfo
from search.report.info_cost import cost_facts
from search.report.info_winner import fold_rows
from search.report.thumbnails import data_uri


def render_page(info: ReportInfo, charts: Iterable[Chart]) -> str:
    """Return the page as HTML; every name from outside is escaped."""
    environment = Environment(
        loader=PackageLoader("search.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    metric = info.record.recipe.metric
    return environment.get_template("page.html.jinja").render(
        info=info,
        record=info.record,
        metric=metric,
        text=text,
        facts=info_facts,
        cost=cost_facts(info.cost),
        command="python -m search run recipe.toml",
        thumbnails=() if info.mistakes is None else [data_uri(i) for i in info.mistakes.images],
        reported_note=reported_note(info.record) if info.reported else "",
        fold_rows=() if info.winner is None else fold_rows(info.winner, metric),
        charts={chart.name: chart for chart in charts},
        chart_json=chart_json,
        # Markup is said of the program's own texts alone, never of a name from outside.
        css=Markup(files("search.report").joinpath("page.css").read_text("utf-8")),  # noqa: S704
        plotly_js=Markup(get_plotlyjs()),  # noqa: S704
    )


def chart_json(chart: Chart) -> Markup:
    """Return the figure as JSON that cannot end the script element it stands in."""
    plain: str = chart.figure.to_json()
    safe = plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)  # noqa: S704
