"""`python -m tests.benchmarks.curves`: records the learning curves of `studies/curves`."""

import gzip
import json
from pathlib import Path
from typing import Annotated

import typer

from spaces import load_space
from tests.benchmarks.curves.candidates import COUNTS, draw_candidates, write_candidates
from tests.benchmarks.curves.recording import read_lines, record

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
CURVES = Path("studies") / "curves"


@app.command(name="candidates")
def choose_candidates() -> None:
    """Draw the candidates anew; curves recorded of others are then worth nothing."""
    for name, count in COUNTS.items():
        write_candidates(
            CURVES / "candidates" / f"{name}.jsonl", draw_candidates(load_space(name), count)
        )


@app.command(name="record")
def record_curves(
    images: Annotated[Path, typer.Argument(help="Folder with the image folders.")],
    out: Annotated[Path, typer.Option(help="Where the pieces are kept.")] = Path("runs/curves"),
    workers: Annotated[int, typer.Option(help="Trainings at a time.")] = 2,
    full_size: Annotated[
        bool, typer.Option("--full-size", help="Long trainings on all of CIFAR-10 instead.")
    ] = False,
) -> None:
    """Record what is missing; it can be stopped and started again at any time."""
    for done, total in record(images, CURVES, out, workers, full_size=full_size):
        typer.echo(f"{done} of {total}")


@app.command(name="pack")
def pack_curves(
    out: Annotated[Path, typer.Option(help="Where the pieces are kept.")] = Path("runs/curves"),
) -> None:
    """Add what was recorded to the pieces of studies/curves, compressed and in order."""
    for path in sorted(out.glob("*-*.jsonl")):
        packed = CURVES / f"{path.name}.gz"
        known = read_lines(packed) if packed.exists() else []
        lines = sorted({*known, *read_lines(path)}, key=_place)
        content = gzip.compress("\n".join([*lines, ""]).encode(), mtime=0)
        packed.write_bytes(content)
        typer.echo(f"{path.stem}: {len(lines)} trainings, {len(content):,} bytes")


def _place(line: str) -> tuple[int, int, int]:
    record = json.loads(line)
    return record["epochs"], record["seed"], record["index"]


if __name__ == "__main__":
    app()
