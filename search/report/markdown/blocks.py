"""Blocks of Markdown: tables, lists and pictures of texts from outside. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from search.text import escaped


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Return a table; `align` has an "l" or "r" for each column."""
    rules = [{"l": ":--", "r": "--:"}[side] for side in align]
    lines = [_line(head), "| " + " | ".join(rules) + " |", *map(_line, rows)]
    return "\n".join(lines)


def bullets(lines: Iterable[str]) -> str:
    """Return a list."""
    return "\n".join(f"- {escaped(line)}" for line in lines)


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return (name, value) rows as a list."""
    return bullets(f"{name}: {value}" for name, value in pairs)


def picture(figures: Collection[str], name: str, alt: str) -> Iterator[str]:
    """Yield the PNG of that name, where it lies beside the report."""
    if name in figures:
        yield f"![{alt}]({name}.png)"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
