"""Tables that commands print: spaces, pruning rules replayed, channel statistics."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from search import text
from search.catalog.studies import open_stored
from search.data.cache import load_train_split
from search.data.cifar10 import is_original_cifar10
from search.data.dataset import DatasetRequest
from search.data.sources import prepare_dataset
from search.errors import UserError
from search.events import Listener, Notice
from search.progress.console import open_display
from search.recipe import Recipe
from search.reference.data_analysis import (
    CHANNELS,
    ROWS,
    AnalysisInfo,
    analysis_info,
    compare_tables,
    write_analysis,
)
from search.tuning.points import check_point
from search.tuning.preparing import load_recipe_space
from search.tuning.replay import recorded_trials, replay_all
from search.tuning.store import read_study
from spaces import Space
from spaces.candidate import describe_candidate
from spaces.load import listed_spaces
from spaces.parameters import describe_range
from spaces.prior import MIN_STEPS

_MOST_COUNTED = 10_000  # points of a grid, which may have billions


def describe_spaces(
    name: str | None, ranges: Sequence[str] | None = None
) -> Iterator[RenderableType]:
    """Yield a table for each space, or for the one with that name and these ranges.

    A user's file without a name means all of its spaces.

    Raises UserError for an unknown space or range, and for ranges without a space.
    """
    if name is None and ranges:
        raise UserError("set: ranges are of one space: name it, too, got none")
    errors: list[UserError] = []
    for one in _listed(name):
        recipe = Recipe.from_sources(None, {"space": one, "set": ranges})
        try:
            space = load_recipe_space(recipe)
            table = _space_table(one, space)
        except UserError as error:  # told after the others of the file
            errors.append(error)
        else:
            yield table
            yield from map(Text, space.notices)
    if errors:
        raise errors[0]


def _listed(name: str | None) -> list[str]:
    try:
        return listed_spaces(name)
    except ValueError as error:
        raise UserError(str(error)) from error


def describe_replay(
    name: str, runs_dir: Path, storage: str | None, orders: int, *, sampled_only: bool
) -> Table:
    """Return one row per pruner, the cheapest first; raises UserError for a pruned study."""
    record = read_study(open_stored(name, runs_dir, storage))
    recorded = recorded_trials(record, sampled_only=sampled_only)
    metric = record.metric
    n_trials = len(recorded.trials)
    table = Table(
        title=f"pruning rules on {n_trials} trials of {name}, {orders} orders",
        caption="epochs, time: shares of training everything. best lost: share of the orders in "
        "which another trial than the best wins. regret: by how much its score falls short.",
        caption_justify="left",
    )
    table.add_column("rule")
    for column in ("epochs", "time", "best lost", "mean regret", "95% regret"):
        table.add_column(column, justify="right")
    for rule in replay_all(recorded, orders, record.recipe.seed):
        regrets = (text.score(value, metric) for value in (rule.mean_regret, rule.high_regret))
        shares = (rule.epochs_share, rule.seconds_share, rule.lost_share)
        table.add_row(rule.name, *(f"{share:.1%}" for share in shares), *regrets)
    return table


def _space_table(name: str, space: Space) -> Table:
    beliefs = {} if space.prior is None else space.prior.beliefs
    caption = "\n".join(_space_lines(space))
    table = Table(title=f"space {name}", caption=caption, caption_justify="left")
    for column in ("parameter", "range", "only if", *(["prior"] if beliefs else [])):
        table.add_column(column)
    for parameter in space.parameters():
        belief, distribution = beliefs.get(parameter.name), parameter.distribution
        cells = [parameter.name, describe_range(distribution), parameter.condition or ""]
        if beliefs:
            cells.append("" if belief is None else belief.words(distribution))
        table.add_row(*cells)
    return table


def _space_lines(space: Space) -> Iterator[str]:
    """Yield what belongs to a space besides its parameters."""
    if space.prior is not None:
        yield (
            "prior: how random values are drawn, evenly where it says nothing; near 1 (+- 2): by a "
            "normal distribution with standard deviation 2; (factor 2): the same of logarithms; "
            f"no batch is so large that an epoch has fewer than {MIN_STEPS} steps"
        )
    yield f"grid: {_grid_size(space)}"
    baseline = space.baseline()
    if baseline is not None:
        yield f"baseline: {describe_candidate(baseline)}"
    for number, params in enumerate(space.portfolio, 1):
        check_point(space, f"point {number} of its portfolio", params)
        yield f"portfolio {number}: {describe_candidate(space.candidate(params))}"


def _grid_size(space: Space) -> str:
    """Return how many points the grid has and the space rejects, counted no further than needed."""
    visited = [one.rejected is None for one in islice(space.visit_grid(), _MOST_COUNTED + 1)]
    if len(visited) > _MOST_COUNTED:
        return f"more than {_MOST_COUNTED:,} points"
    rejected = visited.count(False)
    words = text.plural(len(visited) - rejected, "point")
    return f"{words}; the space rejects {text.plural(rejected, 'other')}" if rejected else words


def analyze_and_describe(
    recipe: Recipe, output: Path, console: Console, *, verify: bool = False
) -> Iterator[RenderableType]:
    """Analyse the recipe's dataset into the folder `output`, then yield the result.

    With `verify` all its files are read again, and decoded again if one has changed.

    Raises UserError if the dataset or `output` is invalid, MachineError if data cannot be
    obtained or files cannot be written.
    """
    if output.exists() and not output.is_dir():
        raise UserError(f"output must be a folder, got the file {str(output)!r}")
    display = open_display(console)
    try:
        info = _analyze(recipe, display, verify=verify)
        paths = write_analysis(info, output)
    finally:
        display.close()
    yield from describe_table(info)
    yield from (f"written: {path}" for path in paths)


def _analyze(recipe: Recipe, listener: Listener, *, verify: bool) -> AnalysisInfo:
    dataset = prepare_dataset(DatasetRequest.of(recipe), listener, verify=verify)
    info = analysis_info(dataset, load_train_split(dataset))
    listener(
        Notice(
            f"analysis of {dataset.name}: {info.n_images:,} training images of "
            f"{len(dataset.class_names)} classes; validation and test images are not used"
        )
    )
    return info


def describe_table(info: AnalysisInfo) -> Iterator[RenderableType]:
    """Yield the table, for original CIFAR-10 next to the report's, and how well they agree."""
    if not is_original_cifar10(info.dataset):
        shown = _number_table("", *CHANNELS)
        for name, row in zip(ROWS, info.table, strict=True):
            shown.add_row(name, *map(repr, row))
        yield shown
        yield Text(
            "The comparison with the hand-tuned report does not apply: its table is of original "
            f"CIFAR-10, and this is {info.dataset.name}."
        )
        return
    numbers = compare_tables(info.table)
    shown = _number_table("number", "report's", "ours", "agreement")
    for one in numbers:
        agreement = "all digits" if one.agrees else f"{one.n_digits} digits"
        shown.add_row(one.name, repr(one.reported), repr(one.ours), agreement)
    yield shown
    yield Text(f"{sum(one.agrees for one in numbers)} of {len(numbers)} agree to the last digit")
    if any(one.differs_by_rounding for one in numbers):
        yield Text(
            "Agreement to 12 digits or more is agreement up to rounding: our numbers are exact "
            "and rounded once, the report's come from floating-point sums."
        )


def _number_table(name: str, *numbers: str) -> Table:
    """Return an empty table that fits 80 columns without cutting a digit."""
    table = Table(name, box=None, pad_edge=False)
    for column in numbers:
        table.add_column(column, no_wrap=True)
    return table
