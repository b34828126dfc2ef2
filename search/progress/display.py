"""Which display of a run suits the place that it is shown in."""

from rich.console import Console

from search.progress.display_base import Display
from search.progress.display_live import LiveDisplay
from search.progress.display_plain import PlainDisplay, QuietDisplay

__all__ = ["Display", "LiveDisplay", "PlainDisplay", "QuietDisplay", "open_display"]


def open_display(console: Console) -> Display:
    """Return the display that suits the console; the caller closes it.

    A block is redrawn on a terminal that can; colours asked for in a pipe make it no terminal.
    """
    live = console.is_interactive and console.file.isatty()
    return LiveDisplay(console) if live else PlainDisplay(console)
