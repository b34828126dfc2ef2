"""report.md: what the page says, to be read anywhere and pasted into a pull request. Pure."""

from collections.abc import Collection, Iterator
from itertools import chain

from search.report.findings.base import FAILURES, WHY, Section
from search.report.info.facts import page_lead, page_title
from search.report.info.report import ReportInfo
from search.report.markdown.result import fails, sure, won
from search.report.markdown.search import again, cost, following, why
from search.report.markdown.versus import good
from search.report.render.markdown import finding_markdown
from search.text import escaped


def report_markdown(info: ReportInfo, figures: Collection[str]) -> str:
    """Return the report in the page's order; every text from outside is escaped.

    `figures` are the names of those that lie beside it as PNG.
    """
    blocks = list(_opening(info))
    for title, section in _sections(info, figures):
        blocks += [f"## {title}", *section]
    return "\n\n".join(blocks) + "\n"


def _opening(info: ReportInfo) -> Iterator[str]:
    record = info.record
    yield f"# {escaped(record.name)}"
    yield f"{page_title(record)}: {escaped(page_lead(record))}"
    if info.status is not None:
        yield f"**{escaped(info.status)}**"
    if record.changes:
        yield "**The code changed while the study went on, as is told at the end.**"


def _sections(info: ReportInfo, figures: Collection[str]) -> Iterator[tuple[str, Iterator[str]]]:
    yield "The hand-tuned network" if info.repeats else "What won", won(info)
    yield "How good it is", good(info, figures)
    yield "How sure it is", sure(info, figures)
    if info.search is not None:
        shown = why(info.search, info.record.recipe.metric, figures)
        yield "Why it won", chain(_found(info, WHY, figures), shown)
    yield "Where it still fails", chain(_found(info, FAILURES, figures), fails(info, figures))
    yield "What it cost", cost(info)
    if info.search is not None:
        yield "What to try next", following(info.search)
    yield "How to repeat it", again(info.record)


def _found(info: ReportInfo, section: Section, figures: Collection[str]) -> Iterator[str]:
    for one in info.found:
        if one.section == section:
            yield from finding_markdown(one, figures)
