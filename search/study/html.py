"""Fragments of HTML for notebooks, in the notebook's own colours."""

import html
from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> str:
    """Return a table of texts; the first column is a heading of each row."""
    head = "".join(f'<th style="text-align:left">{html.escape(one)}</th>' for one in headings)
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    caption = f"<caption>{html.escape(title)}</caption>" if title else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def paragraph(text: str) -> str:
    """Return a text as a paragraph."""
    return f"<p>{html.escape(text)}</p>"


def _cells(row: Sequence[str]) -> str:
    first, *others = (html.escape(cell) for cell in row)
    rest = "".join(f'<td style="text-align:left">{cell}</td>' for cell in others)
    return f'<th style="text-align:left">{first}</th>{rest}'
