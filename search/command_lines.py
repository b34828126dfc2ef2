"""Command lines of this program, to be shown and copied; none names a password. Pure."""

import shlex
from pathlib import Path

from search.recipe import Recipe
from search.recipe_checks import without_password


def command_line(*arguments: str) -> str:
    """Return the command with its arguments, quoted for a shell."""
    return shlex.join(["python", "-m", "search", *arguments])


def place_options(runs_dir: Path, storage: str | None) -> list[str]:
    """Return the options by which a study is found, where they are not the defaults."""
    default = Recipe.model_fields["runs_dir"].default
    folder = [] if runs_dir == default else ["--runs-dir", str(runs_dir)]
    return folder if storage is None else [*folder, "--storage", without_password(storage)]
