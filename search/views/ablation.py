"""What `ablate` prints: the path from the hand-tuned network to the winner."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from search import text
from search.ablation.ablate import ablate
from search.ablation.path import Ablation
from search.catalog.studies import open_stored
from search.errors import UserError
from search.executors import ExecutorChoice
from search.metric import Metric
from search.pipeline import open_run, write_stored_report
from search.progress.console import open_display
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.extra_trainings import StoppedEarly
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
    settings = stored.model_dump(exclude_none=True, exclude={"timeout", "budget"})
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
        page = write_stored_report(read_study(study), study, paths)
    except StoppedEarly:
        yield "stopped; what is trained is kept: run the same command again to continue"
        return
    finally:
        display.close()
    yield from describe_path(ablation, read_study(study).metric)
    yield f"report: {page}"


def _trial(start: str) -> int | None:
    if start == "baseline":
        return None
    if not start.isdecimal():
        raise UserError(f"from must be 'baseline' or the number of a trial, got {start!r}")
    return int(start)


def describe_path(ablation: Ablation, metric: Metric) -> Iterator[RenderableType]:
    """Yield the path as a table: each change with the score after it, and what it brought."""
    path = ablation.path
    yield Text(
        f"from {ablation.start} ({text.score(path.start, metric)}) to trial {ablation.winner}, the "
        "change that helps most first:",
        style="bold",
    )
    shown = Table(box=None, pad_edge=False)
    for header in ("change", "from", "to"):
        shown.add_column(header, overflow="fold")
    for header in ("score", "gain", "gain if alone"):
        shown.add_column(header, justify="right", no_wrap=True)
    for step, gain in path.gains():
        alone = None if None in (step.alone, path.start) else step.alone - path.start  # type: ignore[operator]
        shown.add_row(
            step.change.name,
            step.change.before,
            step.change.after,
            text.score(step.score, metric),
            _signed(gain, metric),
            _signed(alone, metric),
        )
    yield shown


def _signed(difference: float | None, metric: Metric) -> str:
    if difference is None:
        return "–"
    return text.points(difference) if metric.is_share else f"{difference:+.4f}"
