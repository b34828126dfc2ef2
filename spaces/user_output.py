"""Where the prints of a user's code go."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from threading import get_ident
from typing import Any, TextIO, cast, final


def prints_to_stderr() -> AbstractContextManager[object]:
    """Return a context in which prints go to standard error; programs may read standard output."""
    return redirect_stdout(sys.stderr)


@final
class FirstPrints:
    """Shows what a function prints on standard error: each line once, and only the first few.

    It is for functions that are called hundreds of times, before a search and during it.

    Args:
        name: What the function is called.
        most: How many lines are shown.
    """

    def __init__(self, name: str, most: int = 20) -> None:
        self._name, self._most = name, most
        self._seen: set[str] = set()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show what the block prints, when it ends in any way."""
        printed = _OwnPrints(sys.stdout)
        try:
            with redirect_stdout(cast("TextIO", printed)):
                yield
        finally:
            self._show(printed.text.splitlines())

    def _show(self, lines: list[str]) -> None:
        for line in lines:
            if line in self._seen or len(self._seen) > self._most:
                continue
            self._seen.add(line)
            more = f"(further prints of {self._name} are not shown)"
            sys.stderr.write(f"{line if len(self._seen) <= self._most else more}\n")


@final
class _OwnPrints:
    """Standard output that keeps what this thread prints; others, as of a display, print on."""

    def __init__(self, before: TextIO) -> None:
        self._before, self._owner, self.text = before, get_ident(), ""

    def write(self, text: str) -> int:
        if get_ident() != self._owner:
            return self._before.write(text)
        self.text += text
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)


def refuse_namesake() -> None:
    """End the program if Python runs a user's search.py instead of it.

    `python -m search` looks in the working directory first. Such a file imports this package at
    most, so this is where it can be told.

    Raises:
        SystemExit: With status 2, after one line.
    """
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name == "search":  # ours is search.__main__
        sys.stderr.write(
            f"error: {spec.origin} is run instead of the program, as it is called search.py: "
            "rename it, or run python -P -m search\n"
        )
        raise SystemExit(2)
