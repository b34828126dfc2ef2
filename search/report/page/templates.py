"""What pages share: the templates, their style and scripts. Pure."""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from search.report.charts.base import Chart


def render_template(name: str, charts: Iterable[Chart], values: Mapping[str, Any]) -> str:
    """Return a page as HTML that needs neither network nor other files; values are escaped."""
    environment = Environment(
        loader=PackageLoader("search.report.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(
        values,
        charts={chart.name: chart for chart in charts},
        chart_json=chart_json,
        # Markup is said of the program's own texts alone, never of a name from outside.
        css=Markup(files("search.report.page").joinpath("page.css").read_text("utf-8")),  # noqa: S704
        plotly_js=Markup(get_plotlyjs()),  # noqa: S704
    )


def chart_json(chart: Chart) -> Markup:
    """Return the figure as JSON that cannot end the script element it stands in."""
    plain: str = chart.figure.to_json()
    safe = plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)  # noqa: S704
