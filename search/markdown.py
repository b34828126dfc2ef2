"""Texts from outside within Markdown. Pure."""

import re

from search.formatting import printable


def escaped(text: str) -> str:
    """Return the text on one line, without anything that Markdown or HTML would act on."""
    return re.sub(r"([\\`*_{}\[\]#|<>~&$])", r"\\\1", printable(text))


def code(text: str) -> str:
    """Return the text on one line as a code span, whatever backticks it holds."""
    shown = printable(text)
    fence, pad = "`" * (_longest_run(shown) + 1), " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def code_block(text: str, language: str) -> str:
    """Return lines of code as a fenced block."""
    lines = "\n".join(printable(line) for line in text.rstrip().split("\n"))
    fence = "`" * max(_longest_run(lines) + 1, 3)
    return f"{fence}{language}\n{lines}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
