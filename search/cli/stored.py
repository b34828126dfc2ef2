"""The commands that look at stored studies.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from pathlib import Path

import typer

from search.cli import options
from search.cli.console import make_console
from search.cli.printing import print_all
from search.errors import UserError

_RUNS = Path("runs")


def list_studies(runs_dir: options.StudyFolder = _RUNS, storage: options.Storage = None) -> None:
    """List the studies with their trials and best scores."""
    from search.listing import studies_table

    print_all([studies_table(runs_dir, storage)], make_console())


def show(
    study: options.Study, runs_dir: options.StudyFolder = _RUNS, storage: options.Storage = None
) -> None:
    """Show a study: recipe, best trials, refit and test result."""
    from search.commands import describe_study

    print_all(describe_study(study, runs_dir, storage), make_console())


def report(
    studies: options.Studies,
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    output: options.ComparisonOutput = None,
) -> None:
    """Rebuild a study's report from what is stored, without training; or compare several studies.

    A comparison is a table and a figure of the best so far over the time of search.
    """
    if len(studies) > 1:
        from search.comparison import compare_and_describe

        print_all(compare_and_describe(studies, runs_dir, storage, output), make_console())
        return
    if output is not None:
        raise UserError(
            f"output {str(output)!r} is for a comparison: name two or more studies, got "
            f"{studies[0]!r} alone, or leave it out"
        )
    from search.commands import rebuild_report

    print_all([f"report: {rebuild_report(studies[0], runs_dir, storage)}"], make_console())


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
    print_all([table], make_console())


def delete(
    study: options.Study,
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    yes: options.Yes = False,
) -> None:
    """Delete a study with its model and report."""
    from search.removal import remove_study

    remove_study(study, runs_dir, storage, sure=yes)


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
    print_all([f"dashboard: http://{address}/ (Ctrl-C ends it)"], make_console())
    raise typer.Exit(run_dashboard(command, artifacts_dir))
