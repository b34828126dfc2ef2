"""The program: its commands, in the order of its help."""

import sys
from collections.abc import Callable, Mapping

import typer

from search.cli import commands
from search.cli.terminal import (
    INTERRUPTED,
    make_console,
    print_message,
    run_to_end,
    use_utf8,
)

_COMMANDS: Mapping[str, Callable[..., None]] = {
    "run": commands.run,
    "baseline": commands.baseline,
    "spaces": commands.spaces,
    "list": commands.list_studies,
    "show": commands.show,
    "report": commands.report,
    "export": commands.export,
    "dashboard": commands.dashboard,
    "predict": commands.predict,
    "analyze": commands.analyze,
    "replay": commands.replay,
    "delete": commands.delete,
}


def main() -> None:
    """Run the command line; mistakes, machine failures and interrupts end it with one line."""
    use_utf8()
    status, failure = run_to_end(_build_app(), sys.argv[1:] or ["--help"])
    if failure is not None:
        label = "" if status in INTERRUPTED else "error: "
        print_message(f"{label}{failure}", make_console(stderr=True))
    sys.exit(status)


def _build_app() -> typer.Typer:
    app = typer.Typer(
        name="search",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",  # which leaves square brackets alone
        help="Honest hyperparameter search for small image classifiers.",
    )
    for name, command in _COMMANDS.items():
        app.command(name)(command)
    return app
