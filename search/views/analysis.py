"""What `analyze` prints: the table of channel statistics, beside the report's where it applies."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from search.data.cache import load_train_split
from search.data.cifar10 import is_original_cifar10
from search.data.sources import prepare_dataset
from search.errors import UserError
from search.events import Listener, Notice
from search.progress.console import open_display
from search.recipe import Recipe
from search.reference.data_analysis import (
    CHANNELS,
    ROWS,
    AnalysisInfo,
    Comparison,
    Table,
    analysis_info,
    compare_tables,
    write_analysis,
)


def analyze_and_describe(
    recipe: Recipe, output: Path, console: Console
) -> Iterator[RenderableType]:
    """Analyse the recipe's dataset into the folder `output`, then yield what came of it.

    Raises UserError where the dataset or `output` is not what it must be, MachineError where
    data cannot be had or files cannot be written.
    """
    if output.exists() and not output.is_dir():
        raise UserError(f"output must be a folder, got the file {str(output)!r}")
    display = open_display(console)
    try:
        info = _analyze(recipe, display)
        paths = write_analysis(info, output)
    finally:
        display.close()
    yield from describe_table(info)
    yield from (f"written: {path}" for path in paths)


def _analyze(recipe: Recipe, listener: Listener) -> AnalysisInfo:
    dataset = prepare_dataset(
        recipe.dataset,
        recipe.data_dir,
        image_size=recipe.image_size,
        test_fraction=recipe.test_fraction,
        listener=listener,
    )
    info = analysis_info(dataset, load_train_split(dataset))
    listener(
        Notice(
            f"analysis of {dataset.name}: {info.n_images:,} training images of "
            f"{len(dataset.class_names)} classes; validation and test images are not used"
        )
    )
    return info


def describe_table(info: AnalysisInfo) -> Iterator[RenderableType]:
    """Yield the table, beside the report's where the two can agree, and a word on that."""
    if not is_original_cifar10(info.dataset):
        yield _own_table(info.table)
        yield Text(
            "The comparison with the hand-tuned report does not apply: its table is of original "
            f"CIFAR-10, and this is {info.dataset.name}."
        )
        return
    numbers = compare_tables(info.table)
    yield _comparison_table(numbers)
    yield Text(f"{sum(one.agrees for one in numbers)} of {len(numbers)} agree to the last digit")
    if any(one.differs_by_rounding for one in numbers):
        yield Text(
            "Agreement to 12 digits or more is agreement up to rounding: our numbers are exact "
            "and rounded once, the report's come from floating-point sums."
        )


def _own_table(table: Table) -> RichTable:
    shown = _empty_table("", *CHANNELS)
    for name, row in zip(ROWS, table, strict=True):
        shown.add_row(name, *map(repr, row))
    return shown


def _comparison_table(numbers: tuple[Comparison, ...]) -> RichTable:
    shown = _empty_table("number", "report's", "ours", "agreement")
    for one in numbers:
        words = "all digits" if one.agrees else f"{one.n_digits} digits"
        shown.add_row(one.name, repr(one.reported), repr(one.ours), words)
    return shown


def _empty_table(name: str, *numbers: str) -> RichTable:
    """Return a table that fits 80 columns without cutting a digit."""
    shown = RichTable(name, box=None, pad_edge=False)
    for column in numbers:
        shown.add_column(column, no_wrap=True)
    return shown
