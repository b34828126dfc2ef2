"""What came of a study, for the terminal."""

import statistics
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from search.final.reported import reported_note, reported_rows
from search.formatting import format_epochs, format_score
from search.phrases import describe_end
from search.study.records import StudyRecord
from spaces.describe import describe_candidate


def describe_result(record: StudyRecord) -> Iterator[RenderableType]:
    """Yield the best trial, its test, and for a reproduction how near it came to the report."""
    winner = record.winner()
    if winner is None or winner.candidate is None:
        yield Text("no trial is complete yet")
        return
    yield Text(f"best: trial {winner.number} {describe_end(winner, record.recipe)}", style="bold")
    yield Text(f"      {describe_candidate(winner.candidate)}")
    if record.test is not None:
        yield Text(_test_line(record), style="bold")
    if record.repeats:
        yield from _describe_repeats(record)


def _test_line(record: StudyRecord) -> str:
    test, refit = record.test, record.refit
    if test is None:
        raise ValueError(f"study {record.name!r} has not been tested")
    low, high = test.interval
    refitted = "" if refit is None else f" after a refit of {format_epochs(refit.epochs)};"
    return (
        f"test: {test.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}), loss {test.loss:.4f}, "
        f"on {test.n_images:,} images;{refitted} openings of the test set: {len(record.openings)}"
    )


def _describe_repeats(record: StudyRecord) -> Iterator[RenderableType]:
    accuracies = [repeat.accuracy for repeat in record.repeats]
    if len(accuracies) > 1:
        spread = format_score(statistics.stdev(accuracies), "accuracy")
        mean = format_score(statistics.fmean(accuracies), "accuracy")
        yield Text(f"test of all {len(accuracies)} trainings: mean {mean}, deviation {spread}")
    rows = reported_rows(record)
    if rows:
        yield _reported_table(rows)
        yield Text(reported_note(record))


def _reported_table(rows: tuple[tuple[str, ...], ...]) -> Table:
    table = Table(title="beside the hand-tuned report")
    for column in ("after the last epoch", "the report's", "ours", "difference", ""):
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    return table
