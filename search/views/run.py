"""Runs a study for the command line: for people who watch, or for scripts that read events."""

from collections.abc import Iterator

from rich.console import Console, RenderableType

from search.events import Event
from search.files import check_writable
from search.pipeline import Outcome, Report, run_and_report
from search.progress.console import QuietDisplay, open_display
from search.progress.json_lines import JsonWriter
from search.progress.log import JsonLog
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.events import (
    BaselineTested,
    ReportWritten,
    RunEnded,
    WinnerRefitted,
    WinnerTested,
)
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
        outcome, report = run_and_report(
            recipe, display, stop, accept_changes=accept_changes, estimate=not quiet
        )
    finally:
        display.close()
    end = end_info(outcome.record, stopped=outcome.stopped)
    yield from describe_finish(outcome.record, None if report is None else report.baseline, end)
    if report is not None:
        yield f"model:  {outcome.paths.model_dir}"
        yield f"report: {report.page}"


def run_and_log(
    recipe: Recipe, writer: JsonWriter, stop: StopRequest, *, accept_changes: bool = False
) -> None:
    """Run a study and write everything that happens as events, the result too."""
    check_writable(recipe.runs_dir)
    log = JsonLog(writer)
    outcome, report = run_and_report(
        recipe, log, stop, accept_changes=accept_changes, estimate=True
    )
    for event in _result_events(outcome, report):
        log(event)


def _result_events(outcome: Outcome, report: Report | None) -> Iterator[Event]:
    """Yield refit, test, the baseline's test and the report, as far as there are any; the end."""
    record, baseline = outcome.record, None if report is None else report.baseline
    if record.refit is not None:
        yield WinnerRefitted(record.refit)
    if record.test is not None:
        yield WinnerTested(record.test, len(record.openings))
    if baseline is not None and baseline.test is not None:
        yield BaselineTested(baseline.name, baseline.test)
    if report is not None:
        yield ReportWritten(str(outcome.paths.model_dir), str(report.page))
    winner = record.winner()
    end = end_info(record, stopped=outcome.stopped)
    yield RunEnded(end, None if winner is None else winner.number)
