"""Chooses how a run is shown: in a notebook, in a terminal, or not at all."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from search.events import Listener
from search.progress.console import open_display
from search.progress.notebook import NotebookDisplay, notebook_show
from search.study.listening import log_notice


@contextmanager
def shown_progress(*, shown: bool) -> Iterator[Listener]:
    """Yield the listener that shows a run; if it is not shown, notices are logged.

    A terminal is written to on stderr, as stdout belongs to the script.
    """
    if not shown:
        yield log_notice
        return
    display = (
        NotebookDisplay(notebook_show())
        if in_notebook()
        else open_display(Console(stderr=True, markup=False, emoji=False, highlight=False))
    )
    try:
        yield display
    finally:
        display.close()


def in_notebook() -> bool:
    """Return whether this code runs in a notebook's kernel."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return shell is not None and hasattr(shell, "kernel")
