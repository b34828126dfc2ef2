"""Lines that are longer than a terminal is wide: texts hang under their label, commands fold."""

import re
import shlex

from rich.console import Console
from rich.text import Text

_LABEL = re.compile(r" *(?:\w+: +)?")  # "best: ", or blanks alone
_COMMAND = "python -m search "
_CONTINUED = " \\"


def hang(text: Text, console: Console) -> Text:
    """Return the text broken between words, all lines as far in as its first one's words are."""
    label = _LABEL.match(text.plain)
    inset = label.end() if label else 0
    if "\n" in text.plain or text.cell_len <= console.width or inset > console.width // 2:
        return text
    lines = text[inset:].wrap(console, console.width - inset)
    for line in lines:
        line.rstrip()
    return Text.assemble(text[:inset], Text("\n" + " " * inset).join(lines))


def fold_command(line: str, width: int) -> str:
    """Return a line with the command that ends it folded between words, as a shell reads it.

    What leads to the command then stands above it. A line that fits, and one whose words cannot be
    told, stay as they are.
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
