"""The commands: parse, call, print. The only place that prints or exits.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import typer
from rich.console import Console, RenderableType
from rich.text import Text
from typer.exceptions import TyperException

from search import options
from search.console import make_console
from search.errors import MachineError, UserError

app = typer.Typer(
    name="search",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # which leaves square brackets alone
    help="Honest hyperparameter search for small image classifiers.",
)

_RUNS = Path("runs")
_INTERRUPTED = 130  # what typer makes of Ctrl-C


def main() -> None:
    """Run the command line; user mistakes and machine failures end it with one line."""
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except (UserError, MachineError) as error:
        status = _fail(str(error), error.exit_status)
    except TyperException as error:
        status = _fail(error.format_message(), 2)
    except OSError as error:
        status = _fail(f"{error}; what was stored is kept, run the same command to go on", 1)
    if status == _INTERRUPTED:
        _fail("interrupted; run the same command again to go on", status)
    sys.exit(status)


def _fail(message: str, status: int) -> int:
    make_console(stderr=True).print(f"error: {' '.join(message.split())}", soft_wrap=True)
    return status


def _print(renderables: Iterable[RenderableType], console: Console) -> None:
    """Print one after the other; lines are left whole where they may be copied or piped."""
    for one in renderables:
        whole = isinstance(one, str) or (isinstance(one, Text) and not console.is_terminal)
        console.print(one, soft_wrap=whole)


@app.command()
def run(
    recipe: options.Recipe = None,
    space: options.Space = None,
    sampler: options.Sampler = None,
    pruner: options.Pruner = None,
    trials: options.Trials = None,
    epochs: options.Epochs = None,
    timeout: options.Timeout = None,
    validation: options.Validation = None,
    holdout_fraction: options.HoldoutFraction = None,
    folds: options.Folds = None,
    racing: options.Racing = None,
    metric: options.Metric = None,
    seed: options.Seed = None,
    with_baseline: options.WithBaseline = None,
    max_parameters: options.MaxParameters = None,
    dataset: options.Dataset = None,
    data_dir: options.DataDir = None,
    image_size: options.ImageSize = None,
    test_fraction: options.TestFraction = None,
    study_name: options.StudyName = None,
    storage: options.Storage = None,
    runs_dir: options.RunsDir = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    device: options.Device = None,
    precision: options.Precision = None,
) -> None:
    """Search, retrain the winner on all folds, open the test set once, write the report.

    The same command again goes on with the study. Flags win over the recipe file.
    """
    flags = {name: value for name, value in locals().items() if name != "recipe"}
    from search.recipe import Recipe
    from search.study.process import quiet_resource_tracker, start_server, wait_passively

    asked = Recipe.from_sources(recipe, flags)
    wait_passively()  # before torch is imported
    quiet_resource_tracker()
    start_server(asked.threads)  # it needs as long as this process to import torch
    from search.commands import run_and_describe

    console = make_console()
    _print(run_and_describe(asked, console), console)


@app.command()
def spaces(
    space: options.SpaceToList = None,
) -> None:
    """List the search spaces: parameters, ranges, conditions, grid size."""
    from search.commands import describe_spaces

    _print(describe_spaces(space), make_console())


@app.command(name="list")
def list_studies(runs_dir: options.StudyFolder = _RUNS, storage: options.Storage = None) -> None:
    """List the studies with their trials and best scores."""
    from search.listing import studies_table

    _print([studies_table(runs_dir, storage)], make_console())


@app.command()
def show(
    study: options.Study, runs_dir: options.StudyFolder = _RUNS, storage: options.Storage = None
) -> None:
    """Show a study: recipe, best trials, refit and test result."""
    from search.commands import describe_study

    _print(describe_study(study, runs_dir, storage), make_console())


@app.command()
def report(
    study: options.Study, runs_dir: options.StudyFolder = _RUNS, storage: options.Storage = None
) -> None:
    """Rebuild a study's report from what is stored, without training."""
    from search.commands import rebuild_report

    _print([f"report: {rebuild_report(study, runs_dir, storage)}"], make_console())


@app.command()
def replay(
    study: options.Study,
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    orders: options.Orders = 100,
    sampled_alone: options.SampledAlone = False,
) -> None:
    """Show what each pruning rule would have cost and kept on an unpruned study."""
    from search.commands import describe_replay

    table = describe_replay(study, runs_dir, storage, orders, sampled_alone=sampled_alone)
    _print([table], make_console())


@app.command()
def delete(
    study: options.Study,
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    yes: options.Yes = False,
) -> None:
    """Delete a study with its model and report."""
    from search.removal import remove_study

    remove_study(study, runs_dir, storage, sure=yes)


@app.command()
def predict(
    model: options.Model,
    images: options.Images,
    as_json: options.AsJson = False,
) -> None:
    """Classify images with an exported model."""
    from search.commands import classify, predictions_json, predictions_table

    predictions = classify(model, images)
    _print([(predictions_json if as_json else predictions_table)(predictions)], make_console())


@app.command()
def dashboard(
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
) -> None:
    """Start optuna-dashboard on the studies; Ctrl-C ends it."""
    from search.dashboard import dashboard_command, run_dashboard
    from search.listing import stored_url
    from search.paths import RunPaths

    artifacts_dir = RunPaths(runs_dir, "any").artifacts_dir
    command = dashboard_command(stored_url(runs_dir, storage), artifacts_dir, host, port)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    _print([f"dashboard: http://{address}/ (Ctrl-C ends it)"], make_console())
    raise typer.Exit(run_dashboard(command, artifacts_dir))
