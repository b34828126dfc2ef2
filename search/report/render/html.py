"""Findings as a page that needs neither network nor other files. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from search.report.charts.base import Chart as OldChart
from search.report.findings.base import SECTIONS, Finding, Section
from search.report.plots.page import Chart
from search.report.study_words import page_lead, page_title
from search.tuning.records import StudyRecord

_ROOM = "search.report.render"
_Group = tuple[bool, tuple[Finding, ...]]


def render_page(
    record: StudyRecord, findings: Sequence[Finding], more: Mapping[str, Any] | None = None
) -> str:
    """Render the report of a study; `more` is for sections that are no findings yet."""
    legacy = {} if more is None else _LEGACY
    values = {
        "record": record,
        "kind": page_title(record),
        "lead": page_lead(record),
        "legacy": legacy,
        "found": {one.key: one for one in findings},
        "sections": [
            (section, list(_groups(section, findings)))
            for section in SECTIONS
            if section.empty
            or any(one.section == section and one.is_shown() for one in findings)
            or (section.anchor in legacy and (section.anchor != "failures" or record.test))
        ],
        "has_charts": bool(more and more["charts"])
        or any(plot.page for one in findings for plot in one.plots()),
    }
    return render_template("page.html.jinja", values | dict(more or {}))


_LEGACY = {
    "good": "section_good.html.jinja",
    "sure": "section_sure.html.jinja",
    "failures": "section_failures.html.jinja",
}


def _groups(section: Section, findings: Sequence[Finding]) -> Iterator[_Group]:
    """Yield the section's findings, with narrow neighbours together."""
    inside = (one for one in findings if one.section == section and one.is_shown())
    for narrow, group in groupby(inside, key=lambda one: one.narrow):
        yield narrow, tuple(group)


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
