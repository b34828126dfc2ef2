"""`python -m tests.benchmarks NAME`: runs a benchmark on an otherwise idle machine."""

from pathlib import Path
from typing import Annotated

import typer

from tests.benchmarks import single

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
RESULTS_DIR = Path("runs") / "benchmarks"


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


if __name__ == "__main__":
    app()
