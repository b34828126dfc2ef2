"""Runs a study for the command line: for people who watch, or for scripts that read events."""

from collections.abc import Iterator

from rich.console import Console, RenderableType

from search.files import check_writable
from search.pipeline import run_and_report
from search.progress.console import QuietDisplay, open_display
from search.progress.events import EventWriter
from search.progress.log import EventLog
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.outcome import end_info
from search.views.summary import describe_finish


def run_and_describe(
    recipe: Recipe,
    console: Console,
    stop: StopRequest,
    *,
    quiet: bool = False,
    accept_changes: bool = False,
) -> Iterator[RenderableType]:
    """Run a study under a display that suits the console, then yield what came of it.

    A `quiet` run shows nothing meanwhile, and is spared the estimate of its time.
    """
    check_writable(recipe.runs_dir)
    display = QuietDisplay(console) if quiet else open_display(console)
    try:
        tell = None if quiet else display.planned
        outcome, report = run_and_report(
            recipe, display, stop, accept_changes=accept_changes, tell_plan=tell
        )
    finally:
        display.close()
    end = end_info(outcome.record, stopped=outcome.stopped)
    yield from describe_finish(outcome.record, None if report is None else report.baseline, end)
    if report is not None:
        yield f"model:  {outcome.paths.model_dir}"
        yield f"report: {report.page}"


def run_and_log(
    recipe: Recipe, writer: EventWriter, stop: StopRequest, *, accept_changes: bool = False
) -> None:
    """Run a study and write all that happens as events, the result too."""
    check_writable(recipe.runs_dir)
    log = EventLog(writer)
    outcome, report = run_and_report(
        recipe, log, stop, accept_changes=accept_changes, tell_plan=log.planned
    )
    log.result(outcome.record, None if report is None else report.baseline)
    if report is not None:
        log.files(str(outcome.paths.model_dir), str(report.page))
    log.ended(outcome.record, end_info(outcome.record, stopped=outcome.stopped))
