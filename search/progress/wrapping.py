"""Wraps lines that are longer than a terminal is wide: labelled texts, and commands."""

import re
import shlex

from rich.console import Console
from rich.text import Text

_LABEL = re.compile(r" *(?:\w+: +)?")  # "best: ", or only spaces
_COMMAND = "python -m search "
_CONTINUED = " \\"


def wrap_under_label(text: Text, console: Console) -> Text:
    """Return the text wrapped between words, with its lines indented below its label."""
    label = _LABEL.match(text.plain)
    inset = label.end() if label else 0
    if "\n" in text.plain or text.cell_len <= console.width or inset > console.width // 2:
        return text
    lines = text[inset:].wrap(console, console.width - inset)
    for line in lines:
        line.rstrip()
    return Text.assemble(text[:inset], Text("\n" + " " * inset).join(lines))


def fold_command(line: str, width: int) -> str:
    """Return a line with the command at its end folded between words, as a shell reads it.

    The text before the command becomes a separate line. A line that fits, or that no shell
    can split into words, is returned as it is.
    """
    lead, found, rest = line.partition(_COMMAND)
    inset = lead if not lead.strip() else "  "
    if not found or len(line) <= width or (lead.strip() and not lead.endswith(": ")):
        return line
    try:
        words = [shlex.quote(word) for word in shlex.split(_COMMAND + rest)]
    except ValueError:  # an apostrophe: words, not a command
        return line
    above = f"{lead.rstrip()}\n" if lead.strip() else ""
    return above + _folded(words, inset, width)


def _folded(words: list[str], inset: str, width: int) -> str:
    lines = [inset + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) + len(_CONTINUED) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{inset}    {word}")
    return f"{_CONTINUED}\n".join(lines)
