"""Where the prints of a user's code go."""

import sys
from contextlib import AbstractContextManager, redirect_stdout


def prints_to_stderr() -> AbstractContextManager[object]:
    """Return a context in which prints go to standard error; programs may read standard output."""
    return redirect_stdout(sys.stderr)


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
