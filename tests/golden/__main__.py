"""`python -m tests.golden record` records what the studies come to here; `show` prints it."""

import json
import tempfile
from pathlib import Path

import typer

from tests.golden.book import differences, read_book, write_book
from tests.golden.environment import environment_name
from tests.golden.found import find_all
from tests.golden.old_study import write_old_studies

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def record() -> None:
    """Run all golden studies and write golden.json for this environment."""
    before = read_book()
    with tempfile.TemporaryDirectory() as folder:
        write_book(find_all(Path(folder)), environment_name())
    for difference in differences(before, read_book()):
        typer.echo(difference)


@app.command()
def show() -> None:
    """Print the trials of every golden study, by environment."""
    for environment, recorded in read_book()["environments"].items():
        typer.echo(environment)
        typer.echo(json.dumps(recorded["summary"], indent=1))


@app.command(name="write-old")
def write_old() -> None:
    """Write the studies of written_by_0_1 anew: only ever with that version of the program."""
    with tempfile.TemporaryDirectory() as folder:
        write_old_studies(Path(folder))


if __name__ == "__main__":
    app()
