"""What `nested` prints: what a whole search reaches on images that it never saw."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from search.catalog.studies import open_stored, stored_repetitions
from search.errors import MachineError
from search.events import Listener
from search.executors import ExecutorChoice
from search.nested import repeat_search
from search.paths import RunPaths
from search.pipeline import write_stored_report
from search.progress.console import QuietDisplay, open_display
from search.report.evidence import Evidence
from search.report.findings.nested import Nested
from search.stopping import StopRequest
from search.tuning.store import read_study


def repeat_and_describe(
    name: str,
    runs_dir: Path,
    storage: str | None,
    console: Console,
    stop: StopRequest,
    *,
    folds: int,
    workers: int | None,
    quiet: bool = False,
    executor: ExecutorChoice | None = None,
) -> Iterator[RenderableType]:
    """Repeat a search on parts of its images, write its report again, then yield the result.

    Args:
        name: The study's name.
        runs_dir: Folder of the studies.
        storage: The database's URL; None: in that folder.
        console: Shows the progress.
        stop: Ends it early; what is finished is kept.
        folds: How many repetitions.
        workers: Trainings at once; None: as many as the study had.
        quiet: Whether to show nothing meanwhile.
        executor: Where trainings run; None: on this machine.

    Raises:
        UserError, MachineError: One line each.
    """

    @contextmanager
    def listening() -> Iterator[Listener]:
        with closing(QuietDisplay(console) if quiet else open_display(console)) as display:
            yield display

    if not repeat_search(
        name, runs_dir, storage, stop, listening, folds=folds, workers=workers, executor=executor
    ):
        yield "stopped; what is finished is kept: run the same command again to continue"
        return
    study = open_stored(name, runs_dir, storage)
    record = read_study(study)
    page = write_stored_report(record, study, RunPaths(runs_dir, name))
    found = Nested.of(Evidence(record, nested=stored_repetitions(study, record)))
    if found is None:
        raise MachineError(f"the repetitions of {name!r} have no result: see `list`")
    yield from (Text(sentence, style="bold") for sentence in found.summary())
    yield f"report: {page}"
