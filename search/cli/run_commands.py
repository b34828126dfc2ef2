"""The commands that train.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from search.cli import options
from search.cli.ending import Interrupts, failures_told
from search.cli.printing import make_console, print_all
from search.errors import UserError
from search.events import Interrupted, JsonWriter
from search.recipe import Recipe

# Those that the hand-tuned network's training leaves open.
_BASELINE_SETTINGS = (
    "space",
    "epochs",
    "validation",
    "folds",
    "seed",
    "dataset",
    "data_dir",
    "image_size",
    "test_fraction",
    "study_name",
    "storage",
    "runs_dir",
    "checkpoint_every",
    "workers",
    "threads",
    "device",
    "precision",
)


@options.with_settings(*Recipe.model_fields)
def run(
    recipe: options.RecipeFile = None,
    accept_changes: options.AcceptChanges = False,
    quiet: options.Quiet = False,
    as_json: options.Events = False,
    **settings: Any,
) -> None:
    """Search, retrain the winner on all folds, open the test set once, write the report.

    Run the same command again to continue the study. Options override the recipe file.
    """
    _run(recipe, settings, quiet=quiet, as_json=as_json, accept_changes=accept_changes)


@options.with_settings(*_BASELINE_SETTINGS)
def baseline(
    repeats: options.Repeats = 1,
    accept_changes: options.AcceptChanges = False,
    quiet: options.Quiet = False,
    as_json: options.Events = False,
    **settings: Any,
) -> None:
    """Train the hand-tuned network as its report did, and compare the figures.

    With --validation kfold it is cross-validated, refitted and tested instead, like the winner of
    a k-fold search.
    """
    settings |= {"sampler": "baseline", "trials": repeats}
    _run(None, settings, quiet=quiet, as_json=as_json, accept_changes=accept_changes)


def _run(
    recipe: Path | None,
    settings: dict[str, Any],
    *,
    quiet: bool,
    as_json: bool,
    accept_changes: bool,
) -> None:
    if quiet and as_json:
        raise UserError("quiet and json exclude one another: give --quiet or --json, got both")
    if as_json:
        _log(recipe, settings, accept_changes=accept_changes)
    else:
        _describe(recipe, settings, quiet=quiet, accept_changes=accept_changes)


def _describe(
    recipe: Path | None, settings: dict[str, Any], *, quiet: bool, accept_changes: bool
) -> None:
    console, interrupts = make_console(), Interrupts()
    try:
        with interrupts.handled():
            asked, stop = _start(recipe, settings), interrupts.stop
            from search.views.running import run_and_describe

            told = run_and_describe(
                asked, console, stop, quiet=quiet, accept_changes=accept_changes
            )
            print_all(told, console)
    except KeyboardInterrupt:
        console.show_cursor()
    if interrupts.status is not None:
        raise typer.Exit(interrupts.status)


def _log(recipe: Path | None, settings: dict[str, Any], *, accept_changes: bool) -> None:
    writer, interrupts = JsonWriter(make_console()), Interrupts()
    with failures_told(writer), suppress(KeyboardInterrupt), interrupts.handled():
        asked = _start(recipe, settings)
        from search.views.running import run_and_log

        run_and_log(asked, writer, interrupts.stop, accept_changes=accept_changes)
    if interrupts.status is not None:
        writer.write(Interrupted(interrupts.status))
        raise typer.Exit(interrupts.status)


def _start(recipe: Path | None, settings: dict[str, Any]) -> Recipe:
    """Return the recipe that is asked for, once what trains it is starting."""
    from search.executors.process_settings import (
        quiet_resource_tracker,
        start_server,
        wait_passively,
    )

    asked = Recipe.from_sources(recipe, settings)
    wait_passively()  # before torch is imported
    quiet_resource_tracker()
    start_server(asked.threads)  # it needs as long as this process to import torch
    return asked
