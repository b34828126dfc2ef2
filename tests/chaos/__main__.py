"""`python -m tests.chaos NAME`: breaks a search in every way that a machine can, in full."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tests.chaos import cluster, executors, kill, postgres, slurm
from tests.chaos.bits import flip_bits
from tests.chaos.disk import fill_up, small_disk
from tests.chaos.kill import Survival, undisturbed
from tests.chaos.searches import Search
from tests.chaos.server import install_server
from tests.chaos.summary import (
    all_survived,
    describe_all,
    describe_bits,
    describe_cluster,
    describe_disk,
    describe_slurm,
    describe_survival,
)
from tests.chaos.unavailable import UnavailableError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Runs = Annotated[int, typer.Option(min=1, help="Searches to disturb, beside one left in peace.")]
Seed = Annotated[int, typer.Option(help="Seed of who is struck, and when.")]


@app.callback()
def chaos() -> None:
    """Exit status 1 where anything is lost; what a machine lacks is left out, with a word."""


@app.command(name="kill")
def kill_searches(runs: Runs = 30, seed: Seed = 0) -> None:
    """Kill -9 of workers and coordinators of searches with SQLite."""
    _report(kill.run(runs, seed))


@app.command(name="postgres")
def kill_with_postgres(runs: Runs = 10, seed: Seed = 0) -> None:
    """The same with PostgreSQL, installed if need be and started for it."""
    install_server()
    with _left_out("postgres"):
        _report(postgres.run(runs, seed))


@app.command(name="disk")
def full_disk(runs: Runs = 3, seed: Seed = 0) -> None:
    """A small file system that becomes full in the middle of a search; needs root."""
    with _left_out("disk"), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = undisturbed(Search(folder / "calm" / "runs", folder / "data"))
        sound = True
        for number in range(runs):
            with small_disk(folder / f"disk-{number}") as disk:
                search = Search(disk / "runs", folder / "data", said=folder)
                report = fill_up(search, reference, seed + number)
            typer.echo(describe_disk(report))
            sound = sound and not report.problems
    _end(sound=sound)


@app.command(name="bits")
def flipped_bits(flips: Annotated[int, typer.Option(min=1, help="Flipped bits.")] = 300) -> None:
    """Single flipped bits and truncations of checkpoints."""
    with tempfile.TemporaryDirectory() as folder:
        report = flip_bits(Path(folder), flips)
    typer.echo(describe_bits(report))
    _end(sound=report.is_sound())


@app.command(name="cluster")
def break_clusters(
    runs: Runs = 9,
    only: Annotated[str | None, typer.Option(help="One way, such as 'network cut' [all].")] = None,
) -> None:
    """Kill, hang, retire and cut off parts of a cluster of this machine, while searches run."""
    if only is not None and only not in (names := [one.name for one in cluster.SCENARIOS]):
        raise typer.BadParameter(f"{only!r} is none of {', '.join(names)}")
    sound = True
    for report in cluster.run(runs, only):
        typer.echo(describe_cluster(report))
        sound = sound and not report.problems
    _end(sound=sound)


@app.command(name="executors")
def same_everywhere() -> None:
    """Search inline, in processes, and on clusters of 1, 2 and 4 workers: the same results."""
    sound = True
    for one in executors.run():
        typer.echo(f"{one.place}: {one.results[:16]}{'' if one.same else ', OTHER RESULTS'}")
        sound = sound and one.same
    _end(sound=sound)


@app.command(name="slurm")
def slurm_jobs() -> None:
    """Search on jobs of a SLURM that is installed, if need be, and started for it; needs root."""
    with _left_out("slurm"):
        report = slurm.run()
        typer.echo(describe_slurm(report))
        _end(sound=not report.problems)


@app.command(name="all")
def everything() -> None:
    """Run bits, executors, disk, kill, postgres, cluster and slurm in turn."""
    flipped_bits()
    same_everywhere()
    full_disk()
    kill_searches()
    kill_with_postgres()
    break_clusters()
    slurm_jobs()


def _report(survivals: Iterable[Survival]) -> None:
    known = []
    for one in survivals:
        known.append(one)
        typer.echo(describe_survival(one))
    typer.echo(describe_all(known))
    _end(sound=all_survived(known))


def _end(*, sound: bool) -> None:
    if not sound:
        raise typer.Exit(1)


@contextmanager
def _left_out(name: str) -> Iterator[None]:
    try:
        yield
    except UnavailableError as error:
        typer.echo(f"{name} is left out: {error}")


if __name__ == "__main__":
    app()
