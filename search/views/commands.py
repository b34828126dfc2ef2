"""What the commands do, short of printing: values in, renderables out."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table

from search import text
from search.catalog.studies import open_stored
from search.errors import UserError
from search.paths import RunPaths
from search.pipeline import write_stored_report
from search.tuning.locks import check_owned
from search.tuning.replay import recorded_trials, replay_all
from search.tuning.store import read_study
from spaces import BUILT_IN, Space, load_space
from spaces.candidate import describe_candidate
from spaces.parameters import describe_range


def describe_spaces(name: str | None) -> Iterator[RenderableType]:
    """Yield a table for each space; raises UserError for an unknown one."""
    for one in [name] if name is not None else list(BUILT_IN):
        try:
            yield _space_table(one, load_space(one))
        except ValueError as error:
            raise UserError(str(error)) from error


def rebuild_report(name: str, runs_dir: Path, storage: str | None) -> Path:
    """Write the report of a stored study again; returns the page."""
    study, paths = open_stored(name, runs_dir, storage), RunPaths(runs_dir, name)
    check_owned(study, paths)
    return write_stored_report(read_study(study), study, paths)


def describe_replay(
    name: str, runs_dir: Path, storage: str | None, orders: int, *, sampled_alone: bool
) -> Table:
    """Return one row a pruning rule, the cheapest first; raises UserError for a pruned study."""
    record = read_study(open_stored(name, runs_dir, storage))
    trials = recorded_trials(record, sampled_only=sampled_alone)
    metric = record.recipe.metric
    table = Table(title=f"pruning rules on {len(trials)} trials of {name}, {orders} orders")
    table.add_column("rule")
    for column in ("epochs", "time", "mean regret", "95% regret"):
        table.add_column(column, justify="right")
    for rule in replay_all(trials, orders, record.recipe.seed):
        regrets = (text.score(value, metric) for value in (rule.mean_regret, rule.high_regret))
        table.add_row(rule.name, f"{rule.epochs_share:.1%}", f"{rule.seconds_share:.1%}", *regrets)
    return table


def _space_table(name: str, space: Space) -> Table:
    baseline = space.baseline()
    count = sum(1 for _ in space.grid())
    caption = f"grid: {count:,} points"
    if baseline is not None:
        caption += f"\nbaseline: {describe_candidate(baseline)}"
    table = Table(title=f"space {name}", caption=caption, caption_justify="left")
    for column in ("parameter", "range", "only if"):
        table.add_column(column)
    for parameter in space.parameters():
        table.add_row(
            parameter.name, describe_range(parameter.distribution), parameter.condition or ""
        )
    return table
