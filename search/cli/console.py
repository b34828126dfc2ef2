"""The console that commands print to."""

import io
import os
import shutil
import sys

from rich.console import Console

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
