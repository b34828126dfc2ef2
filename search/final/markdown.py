"""Pieces of Markdown. Pure."""

import re
from collections.abc import Iterator, Sequence

from search.formatting import printable


def bullets(texts: Iterator[str]) -> str:
    """Return a list of one line each."""
    return "\n".join(f"- {text}" for text in texts)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; all columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    lines = [columns, rule, *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def plain(text: str) -> str:
    """Return a text from outside without anything that Markdown or HTML would act on."""
    return re.sub(r"([\\`*_{}\[\]()#!|<>~&$])", r"\\\1", printable(text))
