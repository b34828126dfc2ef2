"""The command that writes a report or a comparison again. Pure."""

from collections.abc import Sequence
from pathlib import Path

from search.command_lines import command_line, place_options


def report_command(
    names: Sequence[str], runs_dir: Path, storage: str | None, output: Path | None = None
) -> str:
    """Return the command, with what is not a default; it names a database without its password."""
    folder = [] if output is None else ["--output", str(output)]
    return command_line("report", *names, *place_options(runs_dir, storage), *folder)
