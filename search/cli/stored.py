"""The commands that look at stored studies.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from pathlib import Path

from search.cli import options
from search.cli.console import make_console
from search.cli.printing import print_all
from search.errors import UserError
from search.recipe_checks import check_study_name

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

    print_all(describe_study(_checked(study), runs_dir, storage), make_console())


def report(
    studies: options.Studies,
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    output: options.ComparisonOutput = None,
) -> None:
    """Rebuild a study's report from what is stored, without training; or compare several studies.

    A comparison is a table and a figure of the best so far over the time of search.
    """
    names = [_checked(name) for name in studies]
    if len(names) > 1:
        from search.comparison import compare_and_describe

        print_all(compare_and_describe(names, runs_dir, storage, output), make_console())
        return
    if output is not None:
        raise UserError(
            f"output {str(output)!r} is for a comparison: name two or more studies, got "
            f"{names[0]!r} alone, or leave it out"
        )
    from search.commands import rebuild_report

    print_all([f"report: {rebuild_report(names[0], runs_dir, storage)}"], make_console())


def replay(
    study: options.Study,
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    orders: options.Orders = 100,
    sampled_alone: options.SampledAlone = False,
) -> None:
    """Show what each pruning rule would have cost and kept on an unpruned study."""
    from search.commands import describe_replay

    found = describe_replay(_checked(study), runs_dir, storage, orders, sampled_alone=sampled_alone)
    print_all([found], make_console())


def delete(
    study: options.Study,
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    yes: options.Yes = False,
) -> None:
    """Delete a study with its model and report."""
    from search.removal import remove_study

    remove_study(_checked(study), runs_dir, storage, sure=yes)


def dashboard(
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    read_only: options.ReadOnly = False,
    insecure_public: options.InsecurePublic = False,
) -> None:
    """Start optuna-dashboard on the studies; Ctrl-C ends it."""
    from search.dashboard import bind, check_host, dashboard_app, serve
    from search.listing import stored_url
    from search.paths import RunPaths

    check_host(host, public=insecure_public)
    url, artifacts_dir = stored_url(runs_dir, storage), RunPaths(runs_dir, "any").artifacts_dir
    app = dashboard_app(url, artifacts_dir, public=insecure_public, read_only=read_only)
    server = bind(app, host, port)
    if insecure_public:
        may = "read" if read_only else "read, change and delete"
        warning = (
            f"warning: without a password, whoever reaches {host}:{port} may {may} the studies"
        )
        print_all([warning], make_console(stderr=True))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    print_all([f"dashboard: http://{address}/ (Ctrl-C ends it)"], make_console())
    serve(server)


def _checked(study: str) -> str:
    """Return the name; a database made elsewhere may hold some that lead out of runs_dir."""
    try:
        return check_study_name(study)
    except ValueError as error:
        raise UserError(f"study: {error}, got {study!r}") from error
