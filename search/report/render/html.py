"""Findings and comparisons as a self-contained page. Pure."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files
from itertools import groupby
from typing import Any, NamedTuple, final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from search.report.blocks import Block, Chart, Explorer, Plot
from search.report.charts import HoverTexts, trial_hover_texts
from search.report.finding import SECTIONS, Finding, Section
from search.report.findings.study import page_lead, page_title
from search.report.render.packing import pack
from search.tuning.records import StudyRecord

_ROOM = "search.report.render"
_HALF = 528  # CSS pixels of a section that stands beside another


class Passage(NamedTuple):
    """Blocks under a heading; `key` and `title` are "" where there are none."""

    blocks: tuple[Block, ...]
    key: str = ""
    title: str = ""


class Group(NamedTuple):
    """Passages that follow one another.

    Args:
        passages: Which.
        narrow: Whether they stand side by side where there is room.
        folded: Whether each is opened by its title.
    """

    passages: tuple[Passage, ...]
    narrow: bool = False
    folded: bool = False


class Chapter(NamedTuple):
    """A section of a page.

    `heading` and `nav` are "" where it has none; `empty` is shown where there are no groups. Two
    neighbours that are `half` stand side by side where there is room.
    """

    anchor: str
    nav: str
    heading: str
    groups: tuple[Group, ...] = ()
    empty: str = ""
    half: bool = False


def chapter(anchor: str, nav: str, heading: str, *blocks: Block) -> Chapter:
    """Make a section of these blocks."""
    return Chapter(anchor, nav, heading, (Group((Passage(blocks),)),))


def render_page(record: StudyRecord, findings: Sequence[Finding]) -> str:
    """Render the report of a study."""
    shown = [one for one in findings if one.is_shown()]
    chapters = [
        _chapter(section, record, shown)
        for section in SECTIONS
        if section.empty or any(one.section == section for one in shown)
    ]
    title, lead, stories = page_title(record), page_lead(record), trial_hover_texts(record)
    return render_chapters(title, record.name, lead, chapters, stories)


def _chapter(section: Section, record: StudyRecord, shown: Sequence[Finding]) -> Chapter:
    """Gather a section: narrow neighbours side by side, folded findings under their titles."""
    inside = [one for one in shown if one.section == section]
    groups = tuple(
        Group(
            tuple(Passage(one.all_blocks, one.key, one.title) for one in group),
            narrow=narrow,
            folded=folded,
        )
        for (narrow, folded), group in groupby(inside, key=lambda one: (one.narrow, one.folded))
    )
    half = section.half and all(map(_fits_a_half, (plot for one in inside for plot in one.plots())))
    heading = section.heading(record)
    return Chapter(section.anchor, section.nav, heading, groups, section.empty, half=half)


def _fits_a_half(plot: Plot) -> bool:
    return plot.chart is None or plot.chart.min_width <= _HALF


def render_chapters(
    kind: str,
    title: str,
    lead: str,
    chapters: Sequence[Chapter],
    stories: HoverTexts | None = None,
) -> str:
    """Render a page; every value from outside is escaped.

    Args:
        kind: The kind of page.
        title: Its heading.
        lead: The sentence below it.
        chapters: Its sections.
        stories: What hovering over the mark of a trial shows, by its number.
    """
    content = _PageContent(stories or {})
    environment = Environment(
        loader=PackageLoader(_ROOM, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    passages = [one for part in chapters for group in part.groups for one in group.passages]
    environment.filters |= {
        "kind": lambda block: type(block).__name__,
        "linked": partial(_linked, {one.title: one.key for one in passages if one.title}),
        "chart": content.add_chart,
        "explorer": content.add_explorer,
    }
    return environment.get_template("page.html.jinja").render(
        kind=kind,
        title=title,
        lead=lead,
        chapters=chapters,
        content=content,
        # Only the program's own texts are Markup, never a name from outside.
        css=Markup(files(_ROOM).joinpath("page.css").read_text("utf-8")),  # noqa: S704
    )


def _linked(keys: Mapping[str, str], text: str) -> Markup:
    """Escape a text, and link each “title” of a finding in it to where that stands."""
    written = str(escape(text))
    for title, key in keys.items():
        quoted = f"“{escape(title)}”"
        written = written.replace(quoted, f'<a href="#finding-{escape(key)}">{quoted}</a>')
    return Markup(written)  # noqa: S704, escaped above


@final
class _PageContent:
    """What the page's scripts draw, gathered while its blocks are written."""

    def __init__(self, stories: HoverTexts) -> None:
        self._stories = stories
        self._figures: dict[str, str] = {}
        self._explorer: Mapping[str, Any] | None = None

    def add_chart(self, plot: Plot) -> Chart:
        """Make the chart of a plot, and keep its figure."""
        chart = plot.chart
        if chart is None:
            raise ValueError(f"plot {plot.name!r} is not for pages")
        self._figures[plot.name] = figure_json(chart)
        return chart

    def add_explorer(self, explorer: Explorer) -> str:
        """Keep what the page's only explorer shows; nothing is written in its place."""
        if self._explorer is not None:
            raise ValueError("a page has one table of all trials")
        self._explorer = explorer.content()
        return ""

    def packed(self) -> Markup:
        """Pack all of it; nothing where there is nothing to draw."""
        if not self._figures and self._explorer is None:
            return Markup()
        return pack(
            {
                "plotly": get_plotlyjs(),
                "figures": self._figures,
                "stories": self._stories,
                "explorer": self._explorer,
            }
        )


def figure_json(chart: Chart) -> str:
    """Write the figure as JSON, with as many digits as can be seen."""
    return json.dumps(_rounded(json.loads(chart.figure.to_json())), separators=(",", ":"))


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.6g}")
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list():
            return [_rounded(one) for one in value]
    return value
