"""The commands that train nothing.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from search.cli import options
from search.cli.setting_options import with_settings
from search.cli.terminal import make_console, print_all, steps_shown
from search.errors import MachineError, UserError
from search.files import check_writable, write_outputs
from search.paths import RunPaths
from search.recipe import IMAGE_SETTINGS, Recipe
from search.text import plural, printable

if TYPE_CHECKING:
    from search.evaluation.predict import Predictions

_ANALYSIS = Path("analysis")

_at_place = with_settings("runs_dir", "storage", fill=True)


@_at_place
def list_studies(
    as_json: options.ListedAsJson = False, *, runs_dir: Path, storage: str | None
) -> None:
    """List the studies with their number of trials and best scores."""
    from search.catalog.listing import (
        draw_studies,
        listed_studies,
        studies_json,
        studies_table,
        without_repetitions,
    )

    studies, console = listed_studies(runs_dir, storage), make_console()
    if as_json:
        print_all([studies_json(studies)], console)
        return
    shown = without_repetitions(studies)
    print_all(draw_studies(studies_table(shown), console), console)
    if repetitions := len(studies) - len(shown):
        words = f"{plural(repetitions, 'repetition')} (nested) not shown; --json lists all"
        print_all([Text(words, style="dim")], console)


@_at_place
def show(
    study: options.Study,
    trial: options.ShownTrial = None,
    every: options.AllTrials = False,
    sort: options.SortedBy = None,
    filters: options.Filters = None,
    as_csv: options.ShownAsCsv = False,
    as_json: options.ShownAsJson = False,
    *,
    runs_dir: Path,
    storage: str | None,
) -> None:
    """Show a study (result, ranked trials, recipe), some of its trials, or one of them."""
    console = make_console()
    shown: Iterable[RenderableType]
    selecting = {"--sort": sort is not None, "--filter": bool(filters), "--csv": as_csv}
    if any(selecting.values()):
        _check_alone(selecting, {"--trial": trial is not None, "--all": every, "--json": as_json})
        from search.views.selected_trials import Selection
        from search.views.stored_study import describe_trials

        selection = Selection.parse(filters or (), sort)
        shown = describe_trials(study, runs_dir, storage, selection, as_csv=as_csv)
    elif trial is None:
        from search.views.stored_study import describe_study, study_json

        if as_json:
            shown = [study_json(study, runs_dir, storage)]
        else:
            narrow = console.is_terminal
            shown = describe_study(study, runs_dir, storage, every=every, narrow=narrow)
    else:
        from search.views.stored_trial import describe_trial, trial_json

        if as_json:
            shown = [trial_json(study, runs_dir, storage, trial)]
        else:
            braille = console.encoding.startswith("utf")
            width = console.width if console.is_terminal else None
            shown = describe_trial(study, runs_dir, storage, trial, width=width, braille=braille)
    print_all(shown, console)


def _check_alone(given: Mapping[str, bool], others: Mapping[str, bool]) -> None:
    both = [name for names in (given, others) for name, is_given in names.items() if is_given]
    if any(others.values()):
        raise UserError(f"{both[0]} and {both[-1]} exclude one another: give one of them, got both")


@_at_place
def report(
    studies: options.Studies,
    output: options.ComparisonOutput = None,
    *,
    runs_dir: Path,
    storage: str | None,
) -> None:
    """Rebuild a study's report from stored results, or compare several studies.

    Nothing is trained. A comparison is a table, and a figure of the best score over search time.
    """
    if len(studies) > 1:
        from search.views.reports import compare_and_describe

        print_all(compare_and_describe(studies, runs_dir, storage, output), make_console())
        return
    if output is not None:
        raise UserError(
            f"output {str(output)!r} is only for comparisons: name two or more studies, or leave "
            f"it out, got one study, {studies[0]!r}"
        )
    from search.views.reports import rebuild_report

    check_writable(RunPaths(runs_dir, studies[0]).report_dir)
    with steps_shown(make_console(stderr=True)) as progress:
        page = rebuild_report(studies[0], runs_dir, storage, progress)
    print_all([f"report: {page}"], make_console())


@_at_place
def replay(
    study: options.Study,
    orders: options.Orders = 100,
    sampled_alone: options.SampledAlone = False,
    *,
    runs_dir: Path,
    storage: str | None,
) -> None:
    """Show what each pruner would have cost and missed on an unpruned study."""
    from search.views.tables import describe_replay

    found = describe_replay(study, runs_dir, storage, orders, sampled_only=sampled_alone)
    print_all([found], make_console())


@_at_place
def delete(
    study: options.Study, yes: options.Yes = False, *, runs_dir: Path, storage: str | None
) -> None:
    """Delete a study with its model, its report and the studies that repeat it (`nested`)."""
    from search.catalog.studies import remove_study, repetitions_of
    from search.tuning.storage import open_storage, stored_url

    repetitions = repetitions_of(study, open_storage(stored_url(runs_dir, storage)))
    folder = remove_study(study, runs_dir, storage, sure=yes)
    gone = "" if folder is None else f" and its folder {folder}"
    also = f", with {plural(len(repetitions), 'repetition')} of it" if repetitions else ""
    print_all([f"deleted study {study}{gone}{also}"], make_console())


@_at_place
def dashboard(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    read_only: options.ReadOnly = False,
    insecure_public: options.InsecurePublic = False,
    browser: options.Browser = True,
    *,
    runs_dir: Path,
    storage: str | None,
) -> None:
    """Start optuna-dashboard on the studies; Ctrl-C stops it."""
    from search.dashboard.serving import bind, check_host, dashboard_app, open_browser, serve
    from search.tuning.storage import stored_url

    check_host(host, public=insecure_public)
    url, artifacts_dir = stored_url(runs_dir, storage), RunPaths(runs_dir, "any").artifacts_dir
    app = dashboard_app(url, artifacts_dir, public=insecure_public, read_only=read_only)
    server = bind(app, host, port)
    if insecure_public:
        may = "read" if read_only else "read, change and delete"
        warning = (
            f"warning: no password is needed: anyone who can reach {host}:{port} can {may} "
            "the studies"
        )
        print_all([warning], make_console(stderr=True))
    address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    console = make_console()

    def announce() -> None:
        print_all([f"dashboard: {address} (Ctrl-C to stop)"], console)
        if browser and console.is_terminal:
            open_browser(address)

    serve(server, announce)
    if console.is_terminal:
        print_all([""], console)  # ends the line on which the terminal shows ^C


@with_settings("set")
def spaces(space: options.SpaceToList = None, **settings: Any) -> None:
    """List the search spaces: parameters, ranges, conditions, size of the grid."""
    from search.views.tables import describe_spaces

    print_all(describe_spaces(space, settings["set"]), make_console())


@with_settings("dataset", "data_dir", *IMAGE_SETTINGS)
def analyze(
    output: options.Output = _ANALYSIS, verify: options.Verify = False, **settings: Any
) -> None:
    """Describe the training images as the hand-tuned report does: two figures and a table."""
    # The recipe needs a space; only its data is read.
    recipe = Recipe.from_sources(None, {"space": "cnn"} | settings)
    from search.views.tables import analyze_and_describe

    console = make_console()
    print_all(analyze_and_describe(recipe, output, console, verify=verify), console)


@with_settings("runs_dir", fill=True)
def predict(
    model: options.Model,
    images: options.Images,
    top: options.Top = 3,
    every: options.AllImages = False,
    as_json: options.AsJson = False,
    as_csv: options.AsCsv = False,
    trust_code: options.TrustCode = False,
    *,
    runs_dir: Path,
) -> None:
    """Classify images with an exported model.

    If their folders are named like classes, the accuracy is printed too.
    """
    if as_json and as_csv:
        raise UserError("json and csv exclude one another: give --json or --csv, got both")
    from search.evaluation.predict import predict_with, predictions_csv, predictions_json

    console = make_console()
    model_dir, predictions = predict_with(model, images, runs_dir, trust_code=trust_code)
    if as_json or as_csv:
        typer.echo((predictions_json if as_json else predictions_csv)(predictions).rstrip("\n"))
    else:
        print_all(_described(predictions, top, console, every=every), console)
    print_all(_warned(predictions, model_dir), make_console(stderr=True))
    failures = predictions.failures
    print_all((Text(f"error: {printable(one)}") for one in failures), make_console(stderr=True))
    if failures:
        count = len(failures) + len(predictions.answered)
        raise MachineError(f"{len(failures):,} of {count:,} images could not be read (see above)")


def _described(
    predictions: "Predictions", top: int, console: Console, *, every: bool
) -> Iterator[RenderableType]:
    from search.evaluation.predict import (
        cut_line,
        predictions_table,
        score_line,
        score_predictions,
        score_table,
        shown_rows,
    )

    rows = shown_rows(predictions, cut=console.is_terminal and not every)
    yield predictions_table(rows, top, width=console.width if console.is_terminal else None)
    cut = cut_line(predictions, len(rows))
    if cut is not None:
        yield Text(cut)
    if predictions.labelled():
        score = score_predictions(predictions)
        yield score_table(score)
        yield Text(score_line(score, len(predictions.answered)))


def _warned(predictions: "Predictions", model_dir: Path) -> Iterator[Text]:
    from search.evaluation.predict import seen_warning, stored_record

    record = stored_record(predictions.study, model_dir.resolve().parent.parent)
    images = [one.image for one in predictions.answered]
    warning = None if record is None else seen_warning(images, record)
    if warning is not None:
        yield Text(f"warning: {warning}")


@_at_place
def export(
    study: options.Study,
    trial: options.ExportedTrial = None,
    recipe: options.AsRecipe = False,
    python: options.AsPython = False,
    onnx: options.AsOnnx = False,
    ensemble: options.OfEnsemble = False,
    output: options.ExportOutput = None,
    force: options.Force = False,
    *,
    runs_dir: Path,
    storage: str | None,
) -> None:
    """Export a trial as a recipe, as a script that needs only torch, or as an ONNX file.

    Recipe and script are printed unless --output names a file.
    """
    flags = {"--recipe": recipe, "--python": python, "--onnx": onnx}
    if sum(flags.values()) != 1:
        given = " and ".join(flag for flag, is_given in flags.items() if is_given)
        raise UserError(
            "export needs one of --recipe (trains the trial again here), --python (a script that "
            f"trains it with only torch), --onnx (the trained network), got {given or 'none'}"
        )
    if ensemble and not onnx:
        raise UserError("--ensemble needs --onnx: recipes and scripts are of one network")
    from search.evaluation.exporting import (
        export_recipe,
        export_script,
        read_trial,
        write_recipe,
    )

    record, chosen = read_trial(study, runs_dir, storage, trial)
    console = make_console()
    if onnx:
        from search.evaluation.onnx_of_study import write_onnx

        file = Path(f"{study}.onnx") if output is None else output
        check = write_onnx(record, chosen, runs_dir, file, force=force, ensemble=ensemble)
        print_all([f"wrote {file}", check], console)
    elif recipe and output is not None:
        written = write_recipe(record, chosen, output, force=force)
        print_all([f"wrote {file}" for file in written], console)
    elif recipe:
        print_all([export_recipe(record, chosen, None).in_one().rstrip("\n")], console)
    elif output is not None:
        write_outputs({output: export_script(record, chosen)}, force=force)
        print_all([f"wrote {output}"], console)
    else:
        print_all([export_script(record, chosen).rstrip("\n")], console)
