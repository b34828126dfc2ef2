"""Findings as Markdown, to be read anywhere and pasted into a pull request. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import singledispatch

from search.report.blocks import (
    Bullets,
    Cards,
    Code,
    Columns,
    Details,
    Heading,
    Links,
    Paragraph,
    Pictures,
    Plot,
    Rows,
    Table,
)
from search.report.finding import SECTIONS, Finding
from search.report.findings.study import page_lead, page_title
from search.text import code_block, escaped
from search.tuning.records import StudyRecord

Figures = Collection[str]  # names of the figures that lie next to it as PNG


def report_markdown(
    record: StudyRecord,
    findings: Sequence[Finding],
    figures: Figures,
) -> str:
    """Write the report of a study in the page's order."""
    paragraphs = [
        f"# {_escaped(record.name)}",
        f"{page_title(record)}: {_escaped(page_lead(record))}",
    ]
    for section in SECTIONS:
        inside = [one for one in findings if one.section == section]
        told = [text for one in inside for text in finding_markdown(one, figures)]
        if not told and section.empty:
            told = [section.empty]
        if told and section.title:
            paragraphs.append(f"## {section.heading(record)}")
        paragraphs += told
    return "\n\n".join(paragraphs) + "\n"


def finding_markdown(finding: Finding, figures: Figures) -> Iterator[str]:
    """Yield a finding's paragraphs, tables and pictures; every text in them is escaped."""
    told = [text for block in finding.all_blocks for text in _write(block, figures)]
    if told and finding.title:
        yield f"### {_escaped(finding.title)}"
    yield from told


@singledispatch
def _write(block: object, figures: Figures) -> Iterator[str]:
    raise TypeError(f"cannot write as Markdown: {block!r}, beside {figures!r}")


@_write.register
def _paragraph(block: Paragraph, _: Figures) -> Iterator[str]:
    yield f"**{_escaped(block.text)}**" if block.tone == "notice" else _escaped(block.text)


@_write.register
def _bullets(block: Bullets, _: Figures) -> Iterator[str]:
    yield bullets(block.told)


@_write.register
def _rows(block: Rows, _: Figures) -> Iterator[str]:
    if block.title:
        yield f"#### {_escaped(block.title)}"
    yield bullets(f"{name}: {value}" for name, value in block.pairs)


@_write.register
def _table(block: Table, _: Figures) -> Iterator[str]:
    yield table(block.header, (*block.rows[: block.most], *block.footer), block.align)
    if len(block.rows) > block.most:
        yield f"These are the first {block.most} of {len(block.rows)} rows."


@_write.register
def _code(block: Code, _: Figures) -> Iterator[str]:
    yield code_block(block.text, block.language)


@_write.register
def _plot(block: Plot, figures: Figures) -> Iterator[str]:
    if block.name in figures:
        yield f"![{_escaped(block.alt)}]({block.name}.png)"
        if block.caption:
            yield _escaped(block.caption)
    if block.table is not None:
        yield from _table(block.table, figures)


@_write.register
def _links(block: Links, _: Figures) -> Iterator[str]:
    yield "\n".join(f"- [{_escaped(name)}]({place})" for name, place in block.items)


@_write.register
def _heading(block: Heading, _: Figures) -> Iterator[str]:
    yield f"### {_escaped(block.text)}"


@_write.register
def _details(block: Details, figures: Figures) -> Iterator[str]:
    inside = "\n\n".join(part for one in block.blocks for part in _write(one, figures))
    yield f"<details>\n<summary>{_escaped(block.summary)}</summary>\n\n{inside}\n\n</details>"


@_write.register
def _columns(block: Columns, figures: Figures) -> Iterator[str]:
    for one in block.blocks:
        yield from _write(one, figures)


@_write.register
def _cards(block: Cards, _: Figures) -> Iterator[str]:
    yield bullets(f"{name}: {number} ({words})" for name, number, words in block.cards)


@_write.register
def _pictures(_: Pictures, __: Figures) -> Iterator[str]:
    yield from ()  # only the page shows them; next to the Markdown lies a figure of them


def bullets(lines: Iterable[str]) -> str:
    """Write a list."""
    return "\n".join(f"- {_escaped(line)}" for line in lines)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Write a table; `align` has an "l" or "r" for each column."""
    rules = ({"l": ":--", "r": "--:"}[side] for side in align)
    lines = [map(_escaped, header), rules, *(map(_escaped, row) for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _escaped(text: str) -> str:
    """Escape a text, with plain spaces for no-break spaces."""
    return escaped(text.replace("\N{NO-BREAK SPACE}", " "))
