"""Findings and comparisons as a self-contained page. Pure."""

from collections.abc import Sequence
from importlib.resources import files
from itertools import groupby
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from search.report.blocks import Block, Chart, Plot
from search.report.finding import SECTIONS, Finding, Section
from search.report.findings.study import page_lead, page_title
from search.tuning.records import StudyRecord

_ROOM = "search.report.render"


class Passage(NamedTuple):
    """Blocks under a heading; `key` and `title` are "" where there are none."""

    blocks: tuple[Block, ...]
    key: str = ""
    title: str = ""


class Chapter(NamedTuple):
    """A section of a page: groups of passages, each with whether they stand side by side.

    `heading` and `nav` are "" where it has none; `empty` is shown where there are no groups.
    """

    anchor: str
    nav: str
    heading: str
    groups: tuple[tuple[bool, tuple[Passage, ...]], ...] = ()
    empty: str = ""


def chapter(anchor: str, nav: str, heading: str, *blocks: Block) -> Chapter:
    """Make a section of these blocks."""
    return Chapter(anchor, nav, heading, ((False, (Passage(blocks),)),))


def render_page(record: StudyRecord, findings: Sequence[Finding]) -> str:
    """Render the report of a study."""
    shown = [one for one in findings if one.is_shown()]
    chapters = [
        _chapter(section, record, shown)
        for section in SECTIONS
        if section.empty or any(one.section == section for one in shown)
    ]
    return render_chapters(page_title(record), record.name, page_lead(record), chapters)


def _chapter(section: Section, record: StudyRecord, shown: Sequence[Finding]) -> Chapter:
    """Gather a section's findings, with narrow neighbours side by side."""
    inside = (one for one in shown if one.section == section)
    groups = tuple(
        (narrow, tuple(Passage(tuple(one.blocks()), one.key, one.title) for one in group))
        for narrow, group in groupby(inside, key=lambda finding: finding.narrow)
    )
    return Chapter(section.anchor, section.nav, section.heading(record), groups, section.empty)


def render_chapters(kind: str, title: str, lead: str, chapters: Sequence[Chapter]) -> str:
    """Render a page; every value from outside is escaped.

    Args:
        kind: The kind of page.
        title: Its heading.
        lead: The sentence below it.
        chapters: Its sections.
    """
    passages = (one for chapter in chapters for _, group in chapter.groups for one in group)
    blocks = (block for passage in passages for block in passage.blocks)
    has_charts = any(isinstance(block, Plot) and block.page for block in blocks)
    environment = Environment(
        loader=PackageLoader(_ROOM, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": lambda block: type(block).__name__, "figure_json": figure_json}
    return environment.get_template("page.html.jinja").render(
        kind=kind,
        title=title,
        lead=lead,
        chapters=chapters,
        has_charts=has_charts,
        # Only the program's own texts are Markup, never a name from outside.
        css=Markup(files(_ROOM).joinpath("page.css").read_text("utf-8")),  # noqa: S704
        plotly_js=Markup(get_plotlyjs()),  # noqa: S704
    )


def figure_json(chart: Chart) -> Markup:
    """Write the figure as JSON that cannot end the script element it stands in."""
    plain: str = chart.figure.to_json()
    safe = plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)  # noqa: S704
