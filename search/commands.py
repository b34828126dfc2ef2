"""What the commands do, short of printing: values in, renderables out."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from search.display import open_display
from search.errors import UserError
from search.final.export import Prediction, load_model
from search.formatting import format_bytes, format_score, printable
from search.paths import RunPaths
from search.pipeline import open_stored, run_and_report, write_stored_report
from search.recipe import Recipe
from search.study.disk import disk_use
from search.study.records import StudyRecord
from search.study.replay import recorded_trials, replay_all
from search.study.stopping import StopRequest
from search.study.store import read_study
from search.summary import describe_result
from spaces import BUILT_IN, Space, load_space
from spaces.describe import describe_candidate
from spaces.ranges import describe_range


def run_and_describe(
    recipe: Recipe, console: Console, stop: StopRequest, *, accept_changes: bool = False
) -> Iterator[RenderableType]:
    """Run a study under a display that suits the console, then yield what came of it."""
    if recipe.runs_dir.exists() and not recipe.runs_dir.is_dir():
        raise UserError(f"runs_dir must be a folder, got the file {str(recipe.runs_dir)!r}")
    display = open_display(console)
    try:
        outcome, page = run_and_report(recipe, display, stop, accept_changes=accept_changes)
    finally:
        display.close()
    yield from describe_result(outcome.record)
    if page is None:
        return
    yield f"model:  {outcome.paths.model_dir}"
    yield f"report: {page}"


def describe_spaces(name: str | None) -> Iterator[RenderableType]:
    """Yield a table for each space; raises UserError for an unknown one."""
    for one in [name] if name is not None else list(BUILT_IN):
        try:
            yield _space_table(one, load_space(one))
        except ValueError as error:
            raise UserError(str(error)) from error


def describe_study(name: str, runs_dir: Path, storage: str | None) -> Iterator[RenderableType]:
    """Yield the recipe, the best trials and the final result of a stored study."""
    record = read_study(open_stored(name, runs_dir, storage))
    recipe = Syntax(record.recipe.toml().rstrip(), "toml", background_color="default")
    yield Panel.fit(recipe, title=f"recipe of {record.name}")
    yield _trials_table(record)
    yield from (Text(change.line()) for change in record.changes)
    yield from describe_result(record)
    yield f"disk:  {format_bytes(disk_use(RunPaths(runs_dir, name).study_dir))}"


def rebuild_report(name: str, runs_dir: Path, storage: str | None) -> Path:
    """Write the report of a stored study again; returns the page."""
    study = open_stored(name, runs_dir, storage)
    return write_stored_report(read_study(study), study, RunPaths(runs_dir, name))


def describe_replay(
    name: str, runs_dir: Path, storage: str | None, orders: int, *, sampled_alone: bool
) -> Table:
    """Return one row a pruning rule, the cheapest first; raises UserError for a pruned study."""
    record = read_study(open_stored(name, runs_dir, storage))
    trials = recorded_trials(record, sampled_alone=sampled_alone)
    metric = record.recipe.metric
    table = Table(title=f"pruning rules on {len(trials)} trials of {name}, {orders} orders")
    table.add_column("rule")
    for column in ("epochs", "time", "mean regret", "95% regret"):
        table.add_column(column, justify="right")
    for rule in replay_all(trials, orders, record.recipe.seed):
        regrets = (format_score(value, metric) for value in (rule.mean_regret, rule.high_regret))
        table.add_row(rule.name, f"{rule.epochs_share:.1%}", f"{rule.seconds_share:.1%}", *regrets)
    return table


def classify(model_dir: Path, images: Sequence[Path]) -> list[tuple[Path, Prediction]]:
    """Return the prediction for each image; raises UserError naming what cannot be read."""
    for path in images:
        if path.is_dir():
            raise UserError(f"images: {str(path)!r} is a folder; name the image files in it")
    model = load_model(model_dir)
    return [(path, model.classify(path)) for path in images]


def predictions_json(predictions: Sequence[tuple[Path, Prediction]]) -> str:
    """Return the predictions with all their probabilities as a JSON array."""
    rows = [{"image": str(path), **vars(one)} for path, one in predictions]
    return json.dumps(rows, indent=2)


def predictions_table(predictions: Sequence[tuple[Path, Prediction]]) -> Table:
    """Return one row an image: its most probable classes."""
    table = Table()
    table.add_column("image")
    table.add_column("class")
    table.add_column("probability", justify="right")
    table.add_column("then")
    for path, one in predictions:
        others = sorted(one.probabilities.items(), key=lambda item: -item[1])[1:3]
        rest = ", ".join(f"{name} {probability:.1%}" for name, probability in others)
        table.add_row(printable(str(path)), one.name, f"{one.probability:.1%}", rest)
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


def _trials_table(record: StudyRecord) -> Table:
    kinds = [trial.kind for trial in record.trials]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    table = Table(title=f"best trials ({counts or 'none yet'})")
    for column in ("trial", "score", "epochs", "parameters", "candidate"):
        table.add_column(column)
    for trial in record.complete()[:10]:
        words = describe_candidate(trial.candidate) if trial.candidate else ""
        score = format_score(trial.mean, record.recipe.metric)
        spread = f" +- {format_score(trial.std, record.recipe.metric)}"
        table.add_row(
            str(trial.number),
            score + (spread if len(trial.fold_scores) > 1 else ""),
            f"{trial.best_epoch}/{len(trial.history.epochs)}",
            f"{trial.n_parameters:,}" if trial.n_parameters else "",
            words,
        )
    return table
