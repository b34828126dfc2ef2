"""What `ablate` prints: the path from the hand-tuned network to the winner."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from search.ablation.ablate import ablate
from search.ablation.path import Ablation
from search.catalog.studies import open_stored
from search.errors import UserError
from search.executors import ExecutorChoice
from search.pipeline import open_run, write_stored_report
from search.progress.console import open_display
from search.recipe import Recipe
from search.report.evidence import Evidence
from search.report.findings.ablation import Ablated
from search.stopping import StopRequest
from search.tuning.extra_trainings import StoppedEarly
from search.tuning.records import StudyRecord
from search.tuning.store import read_study


def ablate_and_describe(
    name: str,
    runs_dir: Path,
    storage: str | None,
    console: Console,
    stop: StopRequest,
    *,
    start: str,
    workers: int | None,
) -> Iterator[RenderableType]:
    """Train the path to a study's winner, write the study's report again, then yield the path.

    Args:
        name: The study's name.
        runs_dir: Folder of the studies.
        storage: The database's URL; None: in that folder.
        console: Shows the progress.
        stop: Ends it early; what is finished is kept.
        start: "baseline", or the number of the trial where the path begins.
        workers: Trainings at once; None: as many as the study had.

    Raises:
        UserError, MachineError: One line each.
    """
    number = _trial(start)
    stored = read_study(open_stored(name, runs_dir, storage)).recipe
    place = {"runs_dir": runs_dir, "storage": storage, "workers": workers or stored.workers}
    settings = stored.model_dump(exclude_none=True, exclude={"timeout"})
    recipe = Recipe.from_sources(None, {**settings, **place})
    display = open_display(console)
    try:
        with open_run(
            recipe, display, stop, executor=ExecutorChoice("processes"), searching=False
        ) as run:
            run.workers.resize(recipe.workers)
            ablation = ablate(run.opened, run.workers, display, stop, number)
            run.workers.close()
            study, paths = run.opened.study, run.opened.paths
        record = read_study(study)
        page = write_stored_report(record, study, paths)
    except StoppedEarly:
        yield "stopped; what is trained is kept: run the same command again to continue"
        return
    finally:
        display.close()
    yield from describe_path(ablation, record)
    yield f"report: {page}"


def _trial(start: str) -> int | None:
    if start == "baseline":
        return None
    if not start.isdecimal():
        raise UserError(f"from must be 'baseline' or the number of a trial, got {start!r}")
    return int(start)


def describe_path(ablation: Ablation, record: StudyRecord) -> Iterator[RenderableType]:
    """Yield what the report's finding says of a path to the present winner, and its table."""
    found = Ablated.of(Evidence(record, ablation=ablation))
    if found is None:
        raise ValueError(f"trial {ablation.winner} is not the winner of study {record.name!r}")
    yield Text(found.answer(), style="bold")
    yield from map(Text, found.notes)
    table = found.table()
    shown = RichTable(box=None, pad_edge=False)
    for header, side in zip(table.header, table.align, strict=True):
        is_text = side == "l"
        shown.add_column(
            header,
            justify="left" if is_text else "right",
            overflow="fold",
            no_wrap=not is_text,
        )
    for row in table.rows:
        shown.add_row(*row)
    yield shown
