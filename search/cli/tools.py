"""The commands that need no study.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import RenderableType

from search.cli import options
from search.cli.console import make_console
from search.cli.printing import print_all
from search.errors import MachineError
from search.formatting import printable

if TYPE_CHECKING:
    from search.predicting import Predictions

_RUNS = Path("runs")
_ANALYSIS = Path("analysis")


def spaces(space: options.SpaceToList = None) -> None:
    """List the search spaces: parameters, ranges, conditions, grid size."""
    from search.commands import describe_spaces

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
    from search.analysis.command import analyze_and_describe

    console = make_console()
    print_all(analyze_and_describe(asked, output, console), console)


def predict(
    model: options.Model,
    images: options.Images,
    top: options.Top = 3,
    runs_dir: options.StudyFolder = _RUNS,
    as_json: options.AsJson = False,
) -> None:
    """Classify images with an exported model.

    Images in folders that are named like classes also say how often the model is right.
    """
    from search.model_choice import find_model
    from search.predicting import predict_images, predictions_json

    predictions = predict_images(find_model(model, runs_dir), images)
    if as_json:
        typer.echo(predictions_json(predictions))
    else:
        print_all(_described(predictions, top), make_console())
    failures = predictions.failures
    print_all((f"error: {printable(one)}" for one in failures), make_console(stderr=True))
    if failures:
        count = len(failures) + len(predictions.answered)
        raise MachineError(f"{len(failures):,} of {count:,} could not be read, as said above")


def _described(predictions: "Predictions", top: int) -> Iterator[RenderableType]:
    from search.predicting import predictions_table

    yield predictions_table(predictions, top)
    if predictions.labelled():
        from search.prediction_score import score_line, score_predictions, score_table

        score = score_predictions(predictions)
        yield score_table(score)
        yield score_line(score, len(predictions.answered))
