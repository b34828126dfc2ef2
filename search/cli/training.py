"""The commands that train.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from search.cli import cluster_options, options
from search.cli.places import start_run
from search.cli.setting_options import with_settings
from search.cli.terminal import Interrupts, failures_told, make_console, print_all
from search.errors import UserError
from search.events import Interrupted, JsonWriter
from search.recipe import IMAGE_SETTINGS, Recipe
from search.stopping import StopRequest

# What the hand-tuned network's training leaves open.
_BASELINE_SETTINGS = (
    "space", "epochs", "validation", "folds", "seed", "dataset", "data_dir", *IMAGE_SETTINGS,
    "duplicates", "precision", "study_name", "storage", "runs_dir", "checkpoint_every", "workers",
    "threads", "device",
)  # fmt: skip


@with_settings(*Recipe.model_fields, places=cluster_options.CLUSTER)
def run(
    recipe: options.RecipeFile = None,
    accept_changes: options.AcceptChanges = False,
    retry_failed: options.RetryFailed = False,
    nested: options.Nested = None,
    tracker: options.Trackers = None,
    quiet: options.Quiet = False,
    as_json: options.Events = False,
    **settings: Any,
) -> None:
    """Search, retrain the winner on all folds, open the test set once, write the report.

    Run the same command again to continue the study. Options override the recipe file.
    """
    if nested is not None and as_json:
        raise UserError(
            f"nested {nested} needs a run without --json; or run `nested STUDY` afterwards"
        )
    resuming = {"accept_changes": accept_changes, "retry_failed": retry_failed}
    _run(recipe, settings, tracker, quiet=quiet, as_json=as_json, nested=nested, **resuming)


@with_settings(*_BASELINE_SETTINGS, places=cluster_options.CLUSTER)
def baseline(
    repeats: options.Repeats = 1,
    accept_changes: options.AcceptChanges = False,
    retry_failed: options.RetryFailed = False,
    tracker: options.Trackers = None,
    quiet: options.Quiet = False,
    as_json: options.Events = False,
    **settings: Any,
) -> None:
    """Train the hand-tuned network as its report did, and compare the figures.

    With --validation kfold it is cross-validated, refitted and tested instead, like the winner of
    a k-fold search.
    """
    settings |= {"sampler": "baseline", "trials": repeats}
    resuming = {"accept_changes": accept_changes, "retry_failed": retry_failed}
    _run(None, settings, tracker, quiet=quiet, as_json=as_json, **resuming)


def _run(
    recipe: Path | None,
    settings: dict[str, Any],
    tracker: list[str] | None,
    *,
    quiet: bool,
    as_json: bool,
    nested: int | None = None,
    **resuming: Any,
) -> None:
    if quiet and as_json:
        raise UserError("quiet and json exclude one another: give --quiet or --json, got both")
    place = {name: settings.pop(name) for name in cluster_options.CLUSTER}
    console = make_console()
    writer = JsonWriter(console) if as_json else None
    with _stoppable(console, writer) as stop:
        requested, executor = start_run(recipe, settings, place)
        from search.tracking import make_trackers
        from search.views.running import run_and_describe, run_and_log

        how = resuming | {"executor": executor, "trackers": make_trackers(tracker or ())}
        if writer is not None:
            run_and_log(requested, writer, stop, **how)
        else:
            how |= {"quiet": quiet, "nested": nested}
            result = run_and_describe(requested, console, stop, **how)
            print_all(result, console)


@contextmanager
def _stoppable(console: Console, writer: JsonWriter | None = None) -> Iterator[StopRequest]:
    """Run a block that signals stop, and end the program by the signal's exit status then."""
    interrupts = Interrupts()
    with failures_told(writer), suppress(KeyboardInterrupt), interrupts.handled():
        yield interrupts.stop
    if interrupts.status is not None:
        if writer is not None:
            writer.write(Interrupted(interrupts.status))
        else:
            console.show_cursor()  # which a display may have hidden
        raise typer.Exit(interrupts.status)


@with_settings("runs_dir", "storage", fill=True)
def ablate(
    study: options.Study,
    start: options.AblationStart = "baseline",
    workers: options.Workers = None,
    *,
    runs_dir: Path,
    storage: str | None,
) -> None:
    """Find which of the changes from the hand-tuned network to the winner matter.

    Settings are changed one at a time, the one that helps most first, each time trained on the
    study's folds. The path is kept with the study, and is in its report.
    """
    console = make_console()
    with _stoppable(console) as stop:
        from search.views.ablation import ablate_and_describe

        result = ablate_and_describe(
            study, runs_dir, storage, console, stop, start=start, workers=workers
        )
        print_all(result, console)


@with_settings("runs_dir", "storage", fill=True)
def nested(
    study: options.Study,
    folds: options.NestedFolds = 5,
    workers: options.Workers = None,
    *,
    runs_dir: Path,
    storage: str | None,
) -> None:
    """Repeat the whole search on parts of its training images, and test on the rest.

    That says what the search is worth on images that it never saw, with the test set closed. Each
    repetition takes as long as the search and is a study of its own. The result is in the report.
    """
    console = make_console()
    with _stoppable(console) as stop:
        from search.views.nested import repeat_and_describe

        result = repeat_and_describe(
            study, runs_dir, storage, console, stop, folds=folds, workers=workers
        )
        print_all(result, console)
