"""Command lines of this program for users to copy, and options in messages. Pure.

No command line contains a password.
"""

import re
import shlex
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from search.checks import without_password
from search.recipe import Recipe

# A timeout belongs to one run, and a study remembers the others. A trial's limit is included:
# without it, trials that exceeded it would be tried again.
_LEFT_OUT = {"trials", "timeout", "batch", "device", "precision"}
_DURATIONS = ("timeout", "budget", "trial_timeout")

RUN_ARGUMENTS = (
    "accept_changes",
    "retry_failed",
    "executor",
    "cluster",
    "worker_timeout",
    "accept_mixed_hardware",
    "insecure_cluster",
    "tls_ca",
    "tls_cert",
    "tls_key",
)
"""What a run is given besides the settings of its recipe; options of the command line, too."""


def command_line(*arguments: str) -> str:
    """Return the command with its arguments, quoted for a shell."""
    return shlex.join(["python", "-m", "search", *arguments])


def run_command(recipe: Recipe, trials: int | None) -> str:
    """Return the command that resumes the recipe's study, up to this many trials; None: all.

    Settings that the study itself remembers are left out, except for those that say most about
    it: how long trials are, and how they are pruned.
    """
    given = recipe.model_dump(
        mode="json", exclude=_LEFT_OUT, exclude_defaults=True, exclude_none=True
    ) | {"epochs": recipe.epochs}
    given = {name: given[name] for name in Recipe.model_fields if name in given}
    flags = [word for name, value in given.items() for word in _flag(name, value)]
    return command_line("run", *flags, *([] if trials is None else ["--trials", str(trials)]))


def with_options(message: str) -> str:
    """Return a message as the command line says it: `study_name` becomes --study-name.

    Messages name a setting in backticks, as it is called in Python and in recipes.
    """
    return re.sub(r"`([a-z_]+)`", _option_named, message)


def _option_named(mention: "re.Match[str]") -> str:
    name = mention[1]
    if name in Recipe.model_fields:
        return option_names(name)[0]
    return f"--{name.replace('_', '-')}" if name in RUN_ARGUMENTS else mention[0]


def option_names(setting: str) -> tuple[str, ...]:
    """Return the option of a recipe's setting; of a boolean one, both options."""
    name = setting.replace("_", "-")
    if Recipe.model_fields[setting].annotation is bool:
        return f"--{name}", f"--no-{name.removeprefix('with-')}"
    return (f"--{name}",)


def _flag(name: str, value: object) -> list[str]:
    options = option_names(name)
    if isinstance(value, bool):
        return [options[0] if value else options[1]]
    if isinstance(value, list):  # given once for each
        return [word for one in value for word in (*options, str(one))]
    return [*options, _seconds(value) if name in _DURATIONS else str(value)]


def _seconds(value: object) -> str:
    """Return a duration as it is given, with its unit and without an exponent: 900s, 0.5s."""
    return f"{Decimal(str(value)):f}".removesuffix(".0") + "s"


def place_options(runs_dir: Path, storage: str | None) -> list[str]:
    """Return the options that locate a study, unless they are the defaults."""
    default = Recipe.model_fields["runs_dir"].default
    folder = [] if runs_dir == default else ["--runs-dir", str(runs_dir)]
    return folder if storage is None else [*folder, "--storage", without_password(storage)]


def report_command(
    names: Sequence[str], runs_dir: Path, storage: str | None, output: Path | None = None
) -> str:
    """Return the command that writes a report, without options at their defaults."""
    folder = [] if output is None else ["--output", str(output)]
    return command_line("report", *names, *place_options(runs_dir, storage), *folder)
