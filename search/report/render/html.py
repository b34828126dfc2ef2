"""Findings as a page that needs neither network nor other files. Pure."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from search.report.charts.base import Chart as OldChart
from search.report.plots.page import Chart

_ROOM = "search.report.render"


def render_template(name: str, values: Mapping[str, Any]) -> str:
    """Render a page; every value from outside is escaped."""
    environment = Environment(
        loader=PackageLoader(_ROOM, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": _kind, "figure_json": figure_json}
    # Only the program's own texts are Markup, never a name from outside.
    css = Markup(files(_ROOM).joinpath("page.css").read_text("utf-8"))  # noqa: S704
    plotly_js = Markup(get_plotlyjs())  # noqa: S704
    return environment.get_template(name).render(values, css=css, plotly_js=plotly_js)


def _kind(block: object) -> str:
    return type(block).__name__


def figure_json(chart: Chart | OldChart) -> Markup:
    """Write the figure as JSON that cannot end the script element it stands in."""
    plain: str = chart.figure.to_json()
    safe = plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)  # noqa: S704
