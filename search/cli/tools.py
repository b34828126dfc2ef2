"""The commands that train nothing: spaces, analyze, predict, export."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from search.cli import options
from search.cli.console import make_console, print_all
from search.cli.options import checked_study
from search.errors import MachineError, UserError
from search.recipe import Recipe
from search.text import printable

if TYPE_CHECKING:
    from search.evaluation.predict import Predictions

_ANALYSIS = Path("analysis")


def spaces(space: options.SpaceToList = None) -> None:
    """List the search spaces: parameters, ranges, conditions, size of the grid."""
    from search.views.commands import describe_spaces

    print_all(describe_spaces(space), make_console())


@options.with_settings("dataset", "data_dir", "image_size", "test_fraction")
def analyze(output: options.Output = _ANALYSIS, **settings: Any) -> None:
    """Describe the training images as the hand-tuned report does: two figures and a table."""
    # The recipe needs a space; only its data is read.
    recipe = Recipe.from_sources(None, {"space": "cnn"} | settings)
    from search.views.analysis import analyze_and_describe

    console = make_console()
    print_all(analyze_and_describe(recipe, output, console), console)


@options.with_settings("runs_dir", fill=True)
def predict(
    model: options.Model,
    images: options.Images,
    top: options.Top = 3,
    every: options.AllImages = False,
    as_json: options.AsJson = False,
    as_csv: options.AsCsv = False,
    *,
    runs_dir: Path,
) -> None:
    """Classify images with an exported model.

    If their folders are named like classes, the accuracy is printed too.
    """
    if as_json and as_csv:
        raise UserError("json and csv exclude one another: give --json or --csv, got both")
    from search.evaluation.predict import (
        find_model,
        predict_images,
        predictions_csv,
        predictions_json,
    )

    model_dir, console = find_model(model, runs_dir), make_console()
    predictions = predict_images(model_dir, images)
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
    from search.evaluation.predict import cut_line, predictions_table, shown_rows

    rows = shown_rows(predictions, cut=console.is_terminal and not every)
    yield predictions_table(rows, top, width=console.width if console.is_terminal else None)
    cut = cut_line(predictions, len(rows))
    if cut is not None:
        yield Text(cut)
    if predictions.labelled():
        from search.evaluation.predict import score_line, score_predictions, score_table

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


@options.with_settings("runs_dir", "storage", fill=True)
def export(
    study: options.Study,
    trial: options.ExportedTrial = None,
    recipe: options.AsRecipe = False,
    python: options.AsPython = False,
    onnx: options.AsOnnx = False,
    output: options.ExportOutput = None,
    force: options.Force = False,
    *,
    runs_dir: Path,
    storage: str | None,
) -> None:
    """Export a trial as a recipe, as a script that needs only torch, or as an ONNX file.

    Recipe and script are printed unless --output names a file.
    """
    name = checked_study(study)
    asked = {"--recipe": recipe, "--python": python, "--onnx": onnx}
    if sum(asked.values()) != 1:
        given = " and ".join(flag for flag, is_given in asked.items() if is_given)
        raise UserError(
            "export needs one of --recipe (trains the trial again here), --python (a script that "
            f"trains it with only torch), --onnx (the trained network), got {given or 'none'}"
        )
    from search.evaluation import export

    record, chosen = export.read_trial(name, runs_dir, storage, trial)
    console = make_console()
    if onnx:
        file = Path(f"{name}.onnx") if output is None else output
        check = export.write_onnx(record, chosen, runs_dir, file, force=force)
        print_all([f"wrote {file}", check], console)
    elif output is not None:
        write = export.write_recipe if recipe else export.write_script
        print_all([f"wrote {file}" for file in write(record, chosen, output, force=force)], console)
    else:
        text = export.recipe_text if recipe else export.script_text
        print_all([text(record, chosen).rstrip("\n")], console)
