"""The commands that need no study.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from search.cli import options
from search.cli.console import make_console
from search.cli.printing import print_all
from search.errors import MachineError, UserError
from search.formatting import printable

if TYPE_CHECKING:
    from search.evaluation.predicting import Predictions

_RUNS = Path("runs")
_ANALYSIS = Path("analysis")


def spaces(space: options.SpaceToList = None) -> None:
    """List the search spaces: parameters, ranges, conditions, grid size."""
    from search.views.commands import describe_spaces

    print_all(describe_spaces(space), make_console())


def analyze(
    dataset: options.Dataset = None,
    data_dir: options.DataDir = None,
    image_size: options.ImageSize = None,
    test_fraction: options.TestFraction = None,
    output: options.Output = _ANALYSIS,
) -> None:
    """Describe the training images as the hand-tuned report does: two figures and a table."""
    flags = {name: value for name, value in locals().items() if name != "output"}
    from search.recipe import Recipe

    asked = Recipe.from_sources(None, {"space": "cnn"} | flags)  # of whose data alone is read
    from search.reference.command import analyze_and_describe

    console = make_console()
    print_all(analyze_and_describe(asked, output, console), console)


def predict(
    model: options.Model,
    images: options.Images,
    top: options.Top = 3,
    runs_dir: options.StudyFolder = _RUNS,
    every: options.AllImages = False,
    as_json: options.AsJson = False,
    as_csv: options.AsCsv = False,
) -> None:
    """Classify images with an exported model.

    Images in folders that are named like classes also say how often the model is right.
    """
    if as_json and as_csv:
        raise UserError("json and csv exclude one another: give --json or --csv, got both")
    from search.evaluation.model_choice import find_model
    from search.evaluation.predicting import predict_images, predictions_csv, predictions_json

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
        raise MachineError(f"{len(failures):,} of {count:,} could not be read, as said above")


def _described(
    predictions: "Predictions", top: int, console: Console, *, every: bool
) -> Iterator[RenderableType]:
    from search.evaluation.table import cut_line, predictions_table, shown_rows

    rows = shown_rows(predictions, cut=console.is_terminal and not every)
    yield predictions_table(rows, top, width=console.width if console.is_terminal else None)
    cut = cut_line(predictions, len(rows))
    if cut is not None:
        yield Text(cut)
    if predictions.labelled():
        from search.evaluation.score import score_line, score_predictions, score_table

        score = score_predictions(predictions)
        yield score_table(score)
        yield Text(score_line(score, len(predictions.answered)))


def _warned(predictions: "Predictions", model_dir: Path) -> Iterator[Text]:
    from search.evaluation.model_choice import stored_record
    from search.evaluation.seen_images import seen_warning

    record = stored_record(predictions.study, model_dir.resolve().parent.parent)
    images = [one.image for one in predictions.answered]
    warning = None if record is None else seen_warning(images, record)
    if warning is not None:
        yield Text(f"warning: {warning}")
