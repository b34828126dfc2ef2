"""The commands that train.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from search.cli import options
from search.cli.console import make_console, print_all
from search.cli.ending import Interrupts, failures_told
from search.errors import UserError
from search.events import Interrupted
from search.progress.json_lines import JsonWriter

if TYPE_CHECKING:
    from search.recipe import Recipe


def run(
    recipe: options.Recipe = None,
    space: options.Space = None,
    sampler: options.Sampler = None,
    pruner: options.Pruner = None,
    trials: options.Trials = None,
    epochs: options.Epochs = None,
    timeout: options.Timeout = None,
    trial_timeout: options.TrialTimeout = None,
    validation: options.Validation = None,
    holdout_fraction: options.HoldoutFraction = None,
    folds: options.Folds = None,
    racing: options.Racing = None,
    metric: options.Metric = None,
    seed: options.Seed = None,
    with_baseline: options.WithBaseline = None,
    max_parameters: options.MaxParameters = None,
    dataset: options.Dataset = None,
    data_dir: options.DataDir = None,
    image_size: options.ImageSize = None,
    test_fraction: options.TestFraction = None,
    study_name: options.StudyName = None,
    storage: options.Storage = None,
    runs_dir: options.RunsDir = None,
    checkpoint_every: options.CheckpointEvery = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    device: options.Device = None,
    precision: options.Precision = None,
    accept_changes: options.AcceptChanges = False,
    quiet: options.Quiet = False,
    as_json: options.Events = False,
) -> None:
    """Search, retrain the winner on all folds, open the test set once, write the report.

    The same command again goes on with the study. Flags win over the recipe file.
    """
    flags = {name: value for name, value in locals().items() if name != "recipe"}
    _run(recipe, flags)


def baseline(
    space: options.BaselineSpace,
    repeats: options.Repeats = 1,
    epochs: options.Epochs = None,
    validation: options.Validation = None,
    folds: options.Folds = None,
    seed: options.Seed = None,
    dataset: options.Dataset = None,
    data_dir: options.DataDir = None,
    image_size: options.ImageSize = None,
    test_fraction: options.TestFraction = None,
    study_name: options.StudyName = None,
    storage: options.Storage = None,
    runs_dir: options.RunsDir = None,
    checkpoint_every: options.CheckpointEvery = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    device: options.Device = None,
    precision: options.BaselinePrecision = None,
    accept_changes: options.AcceptChanges = False,
    quiet: options.Quiet = False,
    as_json: options.Events = False,
) -> None:
    """Train the hand-tuned network as its report did, and compare the figures.

    With --validation kfold it is scored by cross-validation instead, refitted and tested, as the
    winner of a k-fold search is.
    """
    flags = {name: value for name, value in locals().items() if name != "repeats"}
    _run(None, flags | {"sampler": "baseline", "trials": repeats})


def _run(recipe: Path | None, flags: dict[str, Any]) -> None:
    names = ("quiet", "as_json", "accept_changes")
    quiet, as_json, accept_changes = (flags.pop(name) for name in names)
    if quiet and as_json:
        raise UserError("quiet and json exclude one another: give --quiet or --json, got both")
    if as_json:
        _log(recipe, flags, accept_changes=accept_changes)
    else:
        _describe(recipe, flags, quiet=quiet, accept_changes=accept_changes)


def _describe(
    recipe: Path | None, flags: dict[str, Any], *, quiet: bool, accept_changes: bool
) -> None:
    console, interrupts = make_console(), Interrupts()
    try:
        with interrupts.handled():
            asked, stop = _start(recipe, flags), interrupts.stop
            from search.views.run import run_and_describe

            told = run_and_describe(
                asked, console, stop, quiet=quiet, accept_changes=accept_changes
            )
            print_all(told, console)
    except KeyboardInterrupt:
        console.show_cursor()
    if interrupts.status is not None:
        raise typer.Exit(interrupts.status)


def _log(recipe: Path | None, flags: dict[str, Any], *, accept_changes: bool) -> None:
    writer, interrupts = JsonWriter(make_console()), Interrupts()
    with failures_told(writer), suppress(KeyboardInterrupt), interrupts.handled():
        asked = _start(recipe, flags)
        from search.views.run import run_and_log

        run_and_log(asked, writer, interrupts.stop, accept_changes=accept_changes)
    if interrupts.status is not None:
        writer.write(Interrupted(interrupts.status))
        raise typer.Exit(interrupts.status)


def _start(recipe: Path | None, flags: dict[str, Any]) -> "Recipe":
    """Return the recipe that is asked for, once what trains it is starting."""
    from search.executors.process import quiet_resource_tracker, start_server, wait_passively
    from search.recipe import Recipe

    asked = Recipe.from_sources(recipe, flags)
    wait_passively()  # before torch is imported
    quiet_resource_tracker()
    start_server(asked.threads)  # it needs as long as this process to import torch
    return asked
