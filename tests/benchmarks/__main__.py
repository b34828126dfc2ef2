"""`python -m tests.benchmarks NAME`: runs a benchmark on an otherwise idle machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from search.errors import MachineError, UserError
from tests.benchmarks import (
    checkpointing,
    decoding,
    gpu,
    honesty,
    memory,
    overhead,
    racing,
    reports,
    scale,
    single,
    startup,
    workers,
)
from tests.benchmarks.peers.contestants import DEFAULT_TOOLS

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
RESULTS_DIR = Path("runs") / "benchmarks"


@contextmanager
def _errors_as_one_line() -> Iterator[None]:
    try:
        yield
    except (UserError, MachineError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_status) from error


@app.callback()
def benchmarks() -> None:
    """Measure what the README claims; each prints ratios and writes JSON under runs/benchmarks."""


@app.command(name="single")
def single_training(
    images: Annotated[int, typer.Option(help="Images, a fifth of which validate.")] = 8_000,
    repeats: Annotated[int, typer.Option(help="Counted rounds.")] = 5,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
) -> None:
    """One training of each hand-tuned network against plainer loops."""
    single.run(RESULTS_DIR, images=images, repeats=repeats, threads=threads)


@app.command(name="peers")
def peers_race(
    tools: Annotated[str, typer.Option(help="Of these, ours-drawn and ours-tpe.")] = DEFAULT_TOOLS,
    space: Annotated[str, typer.Option(help="mlp or cnn.")] = "cnn",
    dataset: Annotated[Path | None, typer.Option(help="Image folder [generated].")] = None,
    family: Annotated[
        str, typer.Option(help="Recorded curves that ours-elsewhere must not have seen.")
    ] = "cifar10-jpeg",
    budget: Annotated[float, typer.Option(help="Seconds of each search.")] = 600.0,
    seeds: Annotated[int, typer.Option(help="Searches of each tool.")] = 3,
    epochs: Annotated[int, typer.Option(help="At most, a trial.")] = 40,
    out: Annotated[Path, typer.Option(help="Where it writes.")] = RESULTS_DIR / "peers",
) -> None:
    """Whole searches against the tools that a user would pick instead; needs [benchmarks]."""
    from tests.benchmarks.peers import running  # noqa: PLC0415  # its needs are an extra

    with _errors_as_one_line():
        running.run(
            running.Settings.parse(
                space=space,
                tools=tools,
                dataset=dataset,
                family=family,
                budget=budget,
                seeds=seeds,
                epochs=epochs,
                out=out,
            )
        )


@app.command(name="racing")
def fold_racing(
    space: Annotated[str, typer.Option(help="mlp, cnn or FILE.py:NAME.")] = "mlp",
    dataset: Annotated[str, typer.Option(help="digits or an image folder.")] = "digits",
    trials: Annotated[int, typer.Option(help="Trials of each search.")] = 60,
    epochs: Annotated[int, typer.Option(help="At most, a trial.")] = 20,
    data_dir: Annotated[Path, typer.Option(help="Where decoded images are kept.")] = Path("data"),
) -> None:
    """Holdout, five folds, and five folds with racing: the same plan and pruner."""
    settings = {"space": space, "dataset": dataset, "trials": trials, "epochs": epochs}
    with _errors_as_one_line():
        racing.run(RESULTS_DIR, **settings, data_dir=data_dir)


@app.command(name="gpu")
def gpu_training(
    images: Annotated[int, typer.Option(help="Images, a fifth of which validate.")] = 50_000,
    epochs: Annotated[int, typer.Option(help="Counted epochs.")] = 40,
) -> None:
    """Both hand-tuned networks on a GPU, eager and recorded, one fold and five."""
    with _errors_as_one_line():
        gpu.run(RESULTS_DIR, images=images, epochs=epochs)


@app.command(name="workers")
def many_workers(
    images: Annotated[int, typer.Option(help="Images, a fifth of which validate.")] = 3_000,
    repeats: Annotated[int, typer.Option(help="Counted rounds.")] = 4,
) -> None:
    """W workers against one, beside the same trainings alone and matrix products."""
    workers.run(RESULTS_DIR, images=images, repeats=repeats)


@app.command(name="scale")
def simulated_scale(
    trials: Annotated[
        list[int] | None, typer.Option(help="Numbers of trials [100, 1000, 10000].")
    ] = None,
    slots: Annotated[int, typer.Option(help="Workers.")] = scale.SLOTS,
    postgresql: Annotated[bool, typer.Option(help="A PostgreSQL server, not SQLite.")] = False,
) -> None:
    """The scheduler with 1,000 workers that replay recorded curves on a simulated clock."""
    counts = trials or [100, 1_000, 10_000]
    scale.run(RESULTS_DIR, trials=counts, slots=slots, postgresql=postgresql)


@app.command(name="cluster")
def cost_of_a_cluster(
    images: Annotated[int, typer.Option(help="Images, a fifth of which validate.")] = 3_000,
    workers: Annotated[int, typer.Option(help="Workers of each.")] = 2,
    repeats: Annotated[int, typer.Option(help="Counted rounds.")] = 5,
) -> None:
    """Dask workers of this machine against its processes; needs the extra `cluster`."""
    from tests.benchmarks import cluster_cost  # noqa: PLC0415  # its needs are an extra

    cluster_cost.run(RESULTS_DIR, images=images, workers=workers, repeats=repeats)


@app.command(name="overhead")
def around_the_arithmetic(
    trials: Annotated[int, typer.Option(help="Trials of each search.")] = 4,
    repeats: Annotated[int, typer.Option(help="Counted rounds.")] = 3,
) -> None:
    """What storage, progress, reporting and judging take of a trial at 5 s an epoch."""
    overhead.run(RESULTS_DIR, trials=trials, repeats=repeats)


@app.command(name="startup")
def start_up(
    dataset: Annotated[Path | None, typer.Option(help="Image folder [generated].")] = None,
    images: Annotated[int, typer.Option(help="Training images to generate.")] = 50_000,
    repeats: Annotated[int, typer.Option(help="Counted runs of each command.")] = 3,
) -> None:
    """Seconds to the help, to the list of studies, to the first training step."""
    startup.run(RESULTS_DIR, dataset=dataset, images=images, repeats=repeats)


@app.command(name="memory")
def worker_memory(
    images: Annotated[int, typer.Option(help="Training images to generate.")] = 50_000,
) -> None:
    """A worker's own memory while it trains the hand-tuned CNN."""
    memory.run(RESULTS_DIR, images=images)


@app.command(name="decoding")
def decoding_folders(
    photos: Annotated[int, typer.Option(help="Photos of 12 megapixels to generate.")] = 48,
    links: Annotated[int, typer.Option(help="Links to them, for memory.")] = 20_000,
    repeats: Annotated[int, typer.Option(help="Counted rounds.")] = 5,
) -> None:
    """Images a second beside torchvision's ImageFolder; memory for thousands of photos."""
    decoding.run(RESULTS_DIR, photos=photos, links=links, repeats=repeats)


@app.command(name="honesty")
def false_claims(
    studies: Annotated[int, typer.Option(help="Simulated studies of each design.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 0,
) -> None:
    """How many reports claim something of studies without any effect; coverage of intervals."""
    honesty.run(RESULTS_DIR, studies=studies, seed=seed)


@app.command(name="checkpoints")
def keeping_checkpoints(
    images: Annotated[int, typer.Option(help="Images, a fifth of which validate.")] = 10_000,
    repeats: Annotated[int, typer.Option(help="Counted rounds.")] = 7,
) -> None:
    """An epoch with a checkpoint after it, written beside the next one or waited for."""
    checkpointing.run(RESULTS_DIR, images=images, repeats=repeats)


@app.command(name="reports")
def reports_of_many_trials(
    trials: Annotated[str, typer.Option(help="Sizes of the studies.")] = "100,1000,10000",
    epochs: Annotated[int, typer.Option(help="Of each complete trial.")] = 30,
) -> None:
    """Reports, pages and lists of made-up studies of many trials, which take minutes to store."""
    reports.run(RESULTS_DIR, trials=tuple(map(int, trials.split(","))), epochs=epochs)


@app.command(name="all")
def all_on_a_cpu() -> None:
    """Run what needs no GPU and no hours in turn, as it is by default."""
    single_training()
    for benchmark in (workers, overhead, startup, memory, checkpointing):
        benchmark.run(RESULTS_DIR)


if __name__ == "__main__":
    app()
