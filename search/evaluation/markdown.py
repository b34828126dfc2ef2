"""Pieces of Markdown. Pure."""

from collections.abc import Iterator, Sequence


def bullets(texts: Iterator[str]) -> str:
    """Return a list of one line each."""
    return "\n".join(f"- {text}" for text in texts)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; all columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    lines = [columns, rule, *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
