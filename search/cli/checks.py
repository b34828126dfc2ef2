"""Checks of arguments that several commands take."""

from pathlib import Path

import typer

from search.errors import UserError
from search.recipe_checks import check_named, check_study_name


def folder(given: str | Path) -> Path:
    """Return an option's folder; an empty text is none, and not the present folder."""
    try:
        return Path(str(check_named(given)))
    except ValueError as error:
        raise typer.BadParameter(f"{error}, got {str(given)!r}") from error


def checked_study(study: str) -> str:
    """Return the name; a database made elsewhere may hold some that lead out of runs_dir."""
    try:
        return check_study_name(study)
    except ValueError as error:
        raise UserError(f"study: {error}, got {study!r}") from error
