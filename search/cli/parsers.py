"""What several options are parsed by: folders, and names of studies."""

from pathlib import Path

import typer

from search.checks import check_named, check_study_name, expand_home
from search.errors import UserError


def folder(given: str | Path) -> Path:
    """Return an option's folder; an empty text is an error, and does not mean this folder."""
    try:
        return Path(expand_home(str(check_named(given))))
    except ValueError as error:
        raise typer.BadParameter(f"{error}, got {str(given)!r}") from error


def study_name(study: str) -> str:
    """Return the name; a database from elsewhere may contain names that lead out of runs_dir."""
    try:
        return check_study_name(study)
    except ValueError as error:
        raise UserError(f"study: {error}, got {study!r}") from error
