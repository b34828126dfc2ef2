"""How the command line prints what a command gives it; used by cli.py alone."""

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.text import Text


def print_all(renderables: Iterable[RenderableType], console: Console) -> None:
    """Print one after the other; lines are left whole where they may be copied or piped."""
    for one in renderables:
        whole = isinstance(one, str) or (isinstance(one, Text) and not console.is_terminal)
        console.print(one, soft_wrap=whole)
