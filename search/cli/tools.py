"""The commands that need no study.

Heavy packages are imported inside the commands that need them, so that --help answers at once.
"""

from pathlib import Path

from search.cli import options
from search.cli.console import make_console
from search.cli.printing import print_all

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


def predict(model: options.Model, images: options.Images, as_json: options.AsJson = False) -> None:
    """Classify images with an exported model."""
    from search.commands import classify, predictions_json, predictions_table

    predictions = classify(model, images)
    print_all([(predictions_json if as_json else predictions_table)(predictions)], make_console())
