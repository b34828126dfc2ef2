"""How the command line prints; used by the commands alone."""

import io
import os
import shutil
import sys
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.text import Text

from search.progress.wrapping import fold_command, wrap_under_label

_PIPE_WIDTH = 160


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that prints names as they are, and wide where no terminal sets a width."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names need not be valid text
            stream.reconfigure(errors="backslashreplace")
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    elif console.is_dumb_terminal and "COLUMNS" not in os.environ:  # which rich takes for 80 wide
        console.width = shutil.get_terminal_size().columns
    return console


def print_all(renderables: Iterable[RenderableType], console: Console) -> None:
    """Print one after the other; in files lines stay whole.

    On a terminal texts hang under their label, and commands are folded between words, so that
    they can still be copied.
    """
    for one in renderables:
        if isinstance(one, str):
            folded = fold_command(one, console.width) if console.is_terminal else one
            console.print(folded, soft_wrap=True)
        elif isinstance(one, Text) and console.is_terminal:
            console.print(wrap_under_label(one, console))
        else:
            console.print(one, soft_wrap=isinstance(one, Text))


def print_message(line: str, console: Console) -> None:
    """Print words and maybe a command at their end; in files they are one line."""
    words, _, command = fold_command(line, console.width).partition("\n")
    if console.is_terminal and command:
        print_all([Text(words), *command.splitlines()], console)
    else:
        print_all([Text(line)], console)
