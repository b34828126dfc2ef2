"""The result of a study on the terminal."""

import statistics
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from search import text
from search.metric import Metric
from search.progress.words import describe_end
from search.reference.reported_figures import reported_note, reported_rows
from search.report.findings import summaries
from search.tuning.outcome import EndInfo, model_command
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import describe_candidate, summarize_candidate


def describe_result(record: StudyRecord) -> Iterator[RenderableType]:
    """Yield the best trial, its test result, and a reproduction's comparison with the report."""
    winner = record.winner()
    if winner is None or winner.candidate is None:
        yield Text("no trial has completed yet")
        return
    yield Text(f"best: trial {winner.number} {describe_end(winner, record.recipe)}", style="bold")
    yield Text(f"      {describe_candidate(winner.candidate)}")
    if record.test is not None:
        yield Text(_test_line(record), style="bold")
    yield from (Text(f"      {words}") for words in summaries(record))
    if record.repeats:
        yield from _describe_repeats(record)


def describe_finish(
    record: StudyRecord, baseline: StudyRecord | None, end: EndInfo
) -> Iterator[RenderableType]:
    """Yield the best trials, the result, the baseline's result, and why the run ended."""
    if len(record.complete()) > 1:
        yield best_table(record)
    yield from describe_result(record)
    if baseline is not None:
        line = baseline_line(record, baseline)
        if line is not None:
            yield Text(line)
    if end.reason == "timeout":
        yield Text(
            f"time is up: {end.done} of {end.planned} trials done; run again to continue "
            "(the test set is opened again if another trial wins)"
        )
    if end.reason == "interrupted" and end.done < end.planned:
        yield from _model_of_what_ended(record)


def _model_of_what_ended(record: StudyRecord) -> Iterator[RenderableType]:
    command = model_command(record)
    if command is not None:
        yield Text("to get a model from the finished trials only:")
        yield f"  {command}"


def best_table(record: StudyRecord, most: int = 5) -> Table:
    """Return the best complete trials, best first, with their candidates as keywords.

    Duplicates of a candidate that was trained before are left out.
    """
    table = Table(title="best trials")
    for column in ("trial", "score", "epoch", "parameters"):
        table.add_column(column, justify="right")
    table.add_column("candidate", overflow="fold")
    originals = [trial for trial in record.complete() if trial.same_as is None]
    for trial in originals[:most]:
        table.add_row(
            str(trial.number),
            score_and_spread(trial, record.recipe.metric),
            f"{trial.best_epoch}/{len(trial.history.epochs)}",
            f"{trial.n_parameters:,}" if trial.n_parameters else "",
            summarize_candidate(trial.candidate) if trial.candidate else "",
        )
    return table


def score_and_spread(trial: TrialRecord, metric: Metric) -> str:
    """Return a trial's score and, if it has several folds, their standard deviation."""
    score = text.score(trial.mean, metric)
    return f"{score} +- {text.score(trial.std, metric)}" if len(trial.fold_scores) > 1 else score


def baseline_line(record: StudyRecord, baseline: StudyRecord) -> str | None:
    """Return the hand-tuned network's test result next to the winner's; None if one is untested."""
    ours, theirs = record.test, baseline.test
    if ours is None or theirs is None:
        return None
    gain = round(100 * (ours.accuracy - theirs.accuracy), 2)
    words = (
        f"{abs(gain):.2f} points {'better' if gain > 0 else 'worse'}" if gain else "equally good"
    )
    low, high = theirs.interval
    return (
        f"baseline: {theirs.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}), "
        f"study {baseline.name}; the winner is {words}"
    )


def _test_line(record: StudyRecord) -> str:
    test, refit = record.test, record.refit
    if test is None:
        raise ValueError(f"study {record.name!r} has not been tested")
    low, high = test.interval
    refitted = "" if refit is None else f" refit for {text.plural(refit.epochs, 'epoch')};"
    return (
        f"test: {test.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}), loss {test.loss:.4f}, "
        f"on {test.n_images:,} images;{refitted} test set {text.opened(len(record.openings))}"
    )


def _describe_repeats(record: StudyRecord) -> Iterator[RenderableType]:
    accuracies = [repeat.accuracy for repeat in record.repeats]
    if len(accuracies) > 1:
        spread = text.score(statistics.stdev(accuracies), "accuracy")
        mean = text.score(statistics.fmean(accuracies), "accuracy")
        of = f"test accuracy of {len(accuracies)} trainings"
        yield Text(f"{of}: mean {mean}, standard deviation {spread}")
    rows = reported_rows(record)
    if rows:
        yield _reported_table(rows)
        yield Text(reported_note(record))


def _reported_table(rows: tuple[tuple[str, ...], ...]) -> Table:
    table = Table(title="compared with the hand-tuned report")
    for column in ("after the last epoch", "report", "ours", "difference", ""):
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    return table
