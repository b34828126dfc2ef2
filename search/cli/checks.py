"""Checks of arguments that several commands take."""

from search.errors import UserError
from search.recipe_checks import check_study_name


def checked_study(study: str) -> str:
    """Return the name; a database made elsewhere may hold some that lead out of runs_dir."""
    try:
        return check_study_name(study)
    except ValueError as error:
        raise UserError(f"study: {error}, got {study!r}") from error
