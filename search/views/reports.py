"""What `report` does: build a study's report again, or compare several studies."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from search.catalog.studies import open_stored, stored_baselines
from search.command_lines import report_command
from search.errors import UserError
from search.files import check_writable
from search.paths import RunPaths
from search.pipeline import with_predictions, write_stored_report
from search.progress.steps import Progress, Step, no_progress
from search.report.comparison import ComparedStudy, Comparison, compare
from search.report.evidence import choose_baseline
from search.report.render.side_by_side import ABSENT, READING, notes, text_rows
from search.report.write import write_comparison
from search.tuning.locks import check_owned
from search.tuning.records import StudyRecord
from search.tuning.store import read_study


def rebuild_report(
    name: str, runs_dir: Path, storage: str | None, progress: Progress = no_progress
) -> Path:
    """Write the report of a stored study again; returns the page."""
    progress(Step("trials", 0, 1))
    study, paths = open_stored(name, runs_dir, storage), RunPaths(runs_dir, name)
    check_owned(study, paths)
    return write_stored_report(read_study(study), study, paths, progress)


def compare_and_describe(
    names: Sequence[str], runs_dir: Path, storage: str | None, output: Path | None
) -> Iterator[RenderableType]:
    """Write a comparison of stored studies, then yield its table and the paths of its files.

    They lie in `output`, or in the folder `comparison` of `runs_dir`. Raises UserError for a
    study that does not exist or is named twice, and where `output` is a file,
    MachineError if it cannot be written.
    """
    folder = RunPaths(runs_dir, "any").comparison_dir if output is None else output
    check_writable(folder, "runs_dir" if output is None else "output")
    info = compare_studies(names, runs_dir, storage)
    command = report_command(names, runs_dir, storage, output)
    paths = write_comparison(info, command, folder)
    yield _table(info)
    yield from map(Text, (*notes(info), *READING))
    yield from (f"written: {path}" for path in paths)


def compare_studies(names: Sequence[str], runs_dir: Path, storage: str | None) -> Comparison:
    """Return the comparison of stored studies, each with the baseline study that fits it.

    Raises UserError for a study that does not exist or is named twice.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"study {twice!r} is named twice; name each study once")
    studies = [open_stored(name, runs_dir, storage) for name in names]
    baselines = list(stored_baselines(studies[0]))

    def beside_baseline(record: StudyRecord) -> ComparedStudy:
        baseline = choose_baseline(record, baselines)
        return ComparedStudy(
            with_predictions(record, runs_dir),
            None if baseline is None else with_predictions(baseline, runs_dir),
        )

    return compare([beside_baseline(read_study(study)) for study in studies])


def _table(info: Comparison) -> Table:
    """Return the rows in few columns, so that no figure is cut in a terminal of 80 columns."""
    table = Table(title=f"{len(info.rows)} studies compared", show_lines=True)
    table.add_column("study", overflow="fold")
    for name in ("validation", "test accuracy", "over the baseline"):
        table.add_column(name, no_wrap=True)
    for row in text_rows(info):
        search = f"{row['space']}, {row['sampler']}, {row['validation']}"
        cost = f"{row['trials']}; {row['epochs']} epochs; {row['time']}"
        gain = row["difference"]
        if gain != ABSENT:
            gain = f"{gain}\ncompared with {row['baseline’s test accuracy']}"
        figures = (row["validation score"], row["test accuracy"], gain)
        broken = (figure.replace(" (", "\n(").replace(", ", ",\n") for figure in figures)
        table.add_row(f"{row['study']}\n{search}\n{cost}", *broken)
    return table
