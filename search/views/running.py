"""Runs a study for the command line, for people or as JSON events, and describes its result."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from search import text
from search.command_lines import command_line, place_options, with_options
from search.events import Event, JsonWriter, Listener, Notice, fan_out
from search.executors import ExecutorChoice
from search.files import check_writable
from search.metric import ACCURACY, Metric
from search.nested import check_folds
from search.pipeline import Outcome, Report, run_and_report
from search.progress.console import QuietDisplay, open_display
from search.progress.log import JsonLog
from search.progress.words import describe_end, describe_number
from search.recipe import Recipe
from search.reference.reported_figures import reported_note, reported_rows
from search.report.findings import summaries
from search.report.findings.earlier_access import EarlierAccess
from search.report.scoring import decisive_score, of_trainings, winner_lead
from search.stopping import StopRequest
from search.tracking import Tracker
from search.training.metrics import TestResult, always_right
from search.tuning.endings import EndInfo, end_info, failures_line, model_command
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.run_events import (
    BaselineTested,
    ReportWritten,
    RunEnded,
    WinnerRefitted,
    WinnerTested,
)
from search.views.nested import repeat_and_describe
from spaces.candidate import describe_candidate, summarize_candidate


def run_and_describe(
    recipe: Recipe,
    console: Console,
    stop: StopRequest,
    *,
    quiet: bool = False,
    nested: int | None = None,
    trackers: Sequence[Tracker] = (),
    executor: str | ExecutorChoice = "processes",
    accept_changes: bool = False,
    retry_failed: bool = False,
) -> Iterator[RenderableType]:
    """Run a study under a display that suits the console, then yield its result.

    A `quiet` run shows nothing meanwhile, and skips the time estimate. Trackers get every event.
    With `nested` the search is then repeated so many times on parts of its training images.
    """
    check_writable(recipe.runs_dir)
    if nested is not None:  # now, not after hours
        check_folds(nested, recipe)
    display = QuietDisplay(console) if quiet else open_display(console)
    with _closed(trackers), closing(display):
        outcome, report = run_and_report(
            recipe,
            fan_out(_naming_options(display), *trackers),
            stop,
            executor=executor,
            accept_changes=accept_changes,
            retry_failed=retry_failed,
            estimate=not quiet,
        )
        for event in _result_events(outcome, report):
            fan_out(*trackers)(event)
    end = end_info(outcome.record, stopped=outcome.stopped)
    baseline = None if report is None else report.baseline
    compared = "" if report is None else report.outcome
    yield from describe_finish(outcome.record, baseline, end, compared)
    if report is not None:
        if report.earlier:
            yield EarlierAccess.known(report.earlier).words()
        yield from next_steps(outcome.record)
        yield f"model:  {outcome.paths.model_dir}"
        if outcome.record.tested_ensemble() is not None:
            yield f"ensemble: {outcome.paths.ensemble_dir}"
        yield f"report: {report.page}"
    if nested is not None and report is not None:
        place = (outcome.record.name, recipe.runs_dir, recipe.storage)
        chosen = ExecutorChoice(executor) if isinstance(executor, str) else executor
        yield from repeat_and_describe(
            *place, console, stop, folds=nested, workers=None, quiet=quiet, executor=chosen
        )


def next_steps(record: StudyRecord) -> Iterator[str]:
    """Yield the commands that a user may want next: classify images, look at the trials."""
    runs_dir, storage = record.recipe.runs_dir, record.recipe.storage
    model = place_options(runs_dir, None)
    yield f"use it: {command_line('predict', record.name, 'photo.jpg', *model)}"
    yield f"trials: {command_line('dashboard', *place_options(runs_dir, storage))}"


def run_and_log(
    recipe: Recipe,
    writer: JsonWriter,
    stop: StopRequest,
    *,
    trackers: Sequence[Tracker] = (),
    executor: str | ExecutorChoice = "processes",
    accept_changes: bool = False,
    retry_failed: bool = False,
) -> None:
    """Run a study and write everything that happens as events, the result too."""
    check_writable(recipe.runs_dir)
    log = JsonLog(writer)
    listener = fan_out(_naming_options(log), *trackers)
    with _closed(trackers):
        outcome, report = run_and_report(
            recipe,
            listener,
            stop,
            executor=executor,
            accept_changes=accept_changes,
            retry_failed=retry_failed,
            estimate=True,
        )
        for event in _result_events(outcome, report):
            listener(event)


@contextmanager
def _closed(trackers: Iterable[Tracker]) -> Iterator[None]:
    """Close trackers at the end of the block, however it ends."""
    with ExitStack() as stack:
        for tracker in trackers:
            stack.callback(tracker.close)
        yield


def _naming_options(listener: Listener) -> Listener:
    """Return a listener that passes events on, whose notices name settings as options."""

    def tell(event: Event) -> None:
        if isinstance(event, Notice):
            event = replace(event, text=with_options(event.text))
        listener(event)

    return tell


def _result_events(outcome: Outcome, report: Report | None) -> Iterator[Event]:
    """Yield those of refit, test, baseline's test and report that exist, then the end."""
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


def describe_result(
    record: StudyRecord, nested: tuple[StudyRecord, ...] = ()
) -> Iterator[RenderableType]:
    """Yield the best trial, its test result, and how a replication compares with the report.

    `nested` are the studies that repeat it, where they are known.
    """
    winner = record.winner()
    if winner is None or winner.candidate is None:
        yield Text("no trial has completed yet")
        return
    yield Text(
        f"best: {describe_number(winner)} {describe_end(winner, record.recipe, record.metric)}",
        style="bold",
    )
    again = of_trainings(record, winner)
    if again:
        shown = text.score(decisive_score(record, winner), record.metric)
        yield Text(f"      trained again: {shown}, {again}, by which it has won", style="bold")
    yield Text(f"      {describe_candidate(winner.candidate)}")
    if record.test is not None:
        yield Text(_test_line(record), style="bold")
    yield from (Text(f"      {words}") for words in summaries(record, nested))
    if record.repeats:
        yield from _describe_repeats(record)


def describe_finish(
    record: StudyRecord, baseline: StudyRecord | None, end: EndInfo, outcome: str = ""
) -> Iterator[RenderableType]:
    """Yield the best trials, the result, the baseline's result, and why the run ended.

    `outcome` says how the winner compares with the baseline, where the report has tested it.
    """
    if len(record.complete()) > 1:
        yield from map(Text, who_won(record))
        yield best_table(record)
    yield from describe_result(record)
    line = None if baseline is None else baseline_line(record, baseline, outcome)
    if line is not None:
        yield Text(line)
    failures = failures_line(record)
    if failures is not None:
        yield Text(with_options(failures))
    if end.reason == "timeout":
        yield Text(
            f"time is up: {end.done} of {end.planned} trials done; run again to continue "
            "(the test set is opened again if another trial wins)"
        )
    command = model_command(record) if end.reason == "interrupted" else None
    if command is not None and end.done < end.planned:
        yield Text("to get a model from the finished trials only:")
        yield f"  {command}"


_STAR = "*"  # as the page marks the winner


def who_won(record: StudyRecord) -> Iterator[str]:
    """Yield a sentence on the marked winner where finalists, and not the ranks, decided."""
    found, best = record.current_finalists(), record.best_finalist()
    if best is not None:
        again = text.plural(len(best.scores), "further training")
        yield (
            f"{_STAR} trial {best.trial} has won: of "
            f"{text.plural(len(found), 'finalist')} it has the best mean of {again}, "
            f"{text.score(best.mean(), record.metric)}; ranks and scores are those of the search"
        )


def marked_number(trial: TrialRecord, record: StudyRecord) -> str:
    """Return a trial's number, with a star if finalists made it the winner."""
    best = record.best_finalist()
    return f"{_STAR} {trial.number}" if best and best.trial == trial.number else str(trial.number)


def best_table(record: StudyRecord, most: int = 5) -> Table:
    """Return the best complete trials, best first, with their candidates as keywords.

    Duplicates of a candidate that was trained before are left out.
    """
    table = Table(title="best trials")
    for column in ("trial", "score", "epoch", "parameters"):
        table.add_column(column, justify="right")
    table.add_column("candidate", overflow="fold")
    metric = record.metric
    originals = [trial for trial in record.complete() if trial.same_as is None]
    for trial in originals[:most]:
        std = trial.fold_deviation
        spread = "" if std is None else f" +- {text.score(std, metric)}"
        table.add_row(
            marked_number(trial, record),
            f"{text.score(trial.mean, metric)}{spread}",
            f"{trial.best_epoch}/{len(trial.history.epochs)}",
            f"{trial.n_parameters:,}" if trial.n_parameters else "",
            summarize_candidate(trial.candidate) if trial.candidate else "",
        )
    return table


def baseline_line(record: StudyRecord, baseline: StudyRecord, outcome: str = "") -> str | None:
    """Return the hand-tuned network's test result next to the winner's; None if one is untested.

    `outcome` says how the winner compares, where the report has tested it.
    """
    ours, theirs = record.test, baseline.test
    if ours is None or theirs is None:
        return None
    metric = record.metric
    first, second = ours.value(metric), theirs.value(metric)
    if metric.recorded is not None or first is None or second is None:
        metric, first, second = ACCURACY, ours.accuracy, theirs.accuracy
    gain = first - second if metric.higher_is_better else second - first
    return (
        f"baseline: {_with_interval(theirs, metric, second)}, study {baseline.name}; "
        f"{outcome or winner_lead(gain, metric)}"
    )


def _with_interval(test: TestResult, metric: Metric, value: float) -> str:
    """Return "84.00% (95% interval 80.10% to 87.20%)"; metrics other than accuracy are named."""
    measured = test.measure(metric)
    both = test.interval if metric is ACCURACY else None if measured is None else measured.interval
    words = "" if both is None else f" (95% interval {text.score_interval(both, metric)})"
    named = "" if metric is ACCURACY else f"{metric} "
    return f"{named}{text.score(value, metric)}{words}"


def _test_line(record: StudyRecord) -> str:
    test, refit = record.test, record.refit
    if test is None:
        raise ValueError(f"study {record.name!r} has not been tested")
    own = "" if record.metric.recorded else _own_result(record.metric, test)
    majority = test.majority()
    beside = "" if majority is None else f"{always_right(majority)}; "
    refitted = "" if refit is None else f"refit for {text.plural(refit.epochs, 'epoch')}; "
    return (
        f"test: {own}{_with_interval(test, ACCURACY, test.accuracy)}, loss {test.loss:.4f}, "
        f"on {test.n_images:,} images; {beside}{refitted}test set "
        f"{text.opened(len(record.openings))}"
    )


def _own_result(metric: Metric, test: TestResult) -> str:
    value = test.value(metric)
    return "" if value is None else f"{_with_interval(test, metric, value)}; accuracy "


def _describe_repeats(record: StudyRecord) -> Iterator[RenderableType]:
    accuracies = [repeat.accuracy for repeat in record.repeats]
    if len(accuracies) > 1:
        spread = text.score(statistics.stdev(accuracies), ACCURACY)
        mean = text.score(statistics.fmean(accuracies), ACCURACY)
        of = f"test accuracy of {len(accuracies)} trainings"
        yield Text(f"{of}: mean {mean}, standard deviation {spread}")
    rows = reported_rows(record)
    if rows:
        table = Table(title="compared with the hand-tuned report")
        for column in ("after the last epoch", "report", "ours", "difference", ""):
            table.add_column(column)
        for row in rows:
            table.add_row(*row)
        yield table
        yield Text(reported_note(record))
