"""The program: its commands, in the order of its help."""

import atexit
import gc
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Annotated

import typer

from search.cli import commands, places, training
from search.cli.terminal import (
    INTERRUPTED,
    make_console,
    print_message,
    run_to_end,
    use_utf8,
)

_COMMANDS: Mapping[str, Callable[..., None]] = {
    "run": training.run,
    "baseline": training.baseline,
    "spaces": commands.spaces,
    "list": commands.list_studies,
    "show": commands.show,
    "report": commands.report,
    "ablate": training.ablate,
    "nested": training.nested,
    "export": commands.export,
    "dashboard": commands.dashboard,
    "predict": commands.predict,
    "analyze": commands.analyze,
    "replay": commands.replay,
    "scheduler": places.scheduler,
    "worker": places.worker,
    "certificates": places.certificates,
    "delete": commands.delete,
}

_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        "run --space cnn --dataset path/to/images --budget 15m",
        "predict STUDY photo.jpg photos/",
        "dashboard",
    ),
    "run": (
        "run --space cnn --dataset path/to/images --budget 15m",
        "run --space mlp --sampler tpe --validation kfold --folds 5",
        "run my-recipe.toml --trials 100",
    ),
    "baseline": ("baseline --space cnn --repeats 2",),
    "spaces": ("spaces cnn", "spaces myspace.py:SPACE"),
    "list": ("list", "list --json"),
    "replay": ("replay STUDY",),
    "analyze": ("analyze --dataset path/to/images",),
    "dashboard": ("dashboard", "dashboard --port 8081 --read-only"),
    "show": ("show STUDY", "show STUDY --trial 3"),
    "report": ("report STUDY", "report STUDY ANOTHER --output comparison/"),
    "ablate": ("ablate STUDY", "ablate STUDY --from 3"),
    "nested": ("nested STUDY", "nested STUDY --folds 10"),
    "export": (
        "export STUDY --python --output train.py",
        "export STUDY --onnx --output model.onnx",
    ),
    "predict": ("predict STUDY photo.jpg", "predict runs/STUDY/model photos/ --csv"),
    "scheduler": ("scheduler",),
    "worker": ("worker tcp://127.0.0.1:8786 --workers 2",),
    "certificates": ("certificates tls/",),
    "delete": ("delete STUDY --yes",),
}

# Between two searches for garbage: what a command loads and makes mostly lives to its end.
_ALLOCATIONS = 200_000


def main() -> None:
    """Run the command line; mistakes, machine failures and interrupts end it with one line."""
    gc.set_threshold(_ALLOCATIONS)
    atexit.register(gc.freeze)  # the last search, among the modules of torch, would take a second
    use_utf8()
    status, failure = run_to_end(build_app(), sys.argv[1:] or ["--help"])
    if failure is not None:
        label = "" if status in INTERRUPTED else "error: "
        print_message(f"{label}{failure}", make_console(stderr=True))
    sys.exit(status)


def build_app() -> typer.Typer:
    """Return the program with all its commands."""
    app = typer.Typer(
        name="search",
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",  # which leaves square brackets alone
        help="Honest hyperparameter search for small image classifiers.",
        epilog=_examples(""),
    )
    app.callback()(_options)
    for name, command in _COMMANDS.items():
        app.command(name, epilog=_examples(name))(command)
    return app


def _examples(name: str) -> str | None:
    """Return the examples at the end of a command's help, one a paragraph."""
    lines = [f"python -m search {one}" for one in _EXAMPLES.get(name, ())]
    return "\n\n".join(["Examples:", *lines]) if lines else None


def _print_version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        typer.echo(f"cifar-search {version('cifar-search')}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Honest hyperparameter search for small image classifiers."""
