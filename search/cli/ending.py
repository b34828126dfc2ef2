"""How a command ends: its exit status and, where it failed, the one line that says why."""

import typer
from typer.exceptions import TyperException

from search.errors import MachineError, UserError

_INTERRUPTED = 130  # what typer makes of Ctrl-C


def run_to_end(app: typer.Typer, arguments: list[str]) -> tuple[int, str | None]:
    """Return the exit status of a command line, and the one line to print where it failed."""
    status, failure = _run(app, arguments)
    return status, failure and " ".join(failure.split())


def _run(app: typer.Typer, arguments: list[str]) -> tuple[int, str | None]:
    try:
        status = app(arguments, standalone_mode=False) or 0
    except (UserError, MachineError) as error:
        return error.exit_status, str(error)
    except TyperException as error:
        return 2, error.format_message()
    except OSError as error:
        return 1, f"{error}; what was stored is kept, run the same command to go on"
    if status == _INTERRUPTED:
        return status, "interrupted; run the same command again to go on"
    return status, None
