"""`python -m tests.benchmarks.strategies`: compares strategies on recorded learning curves."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from tests.benchmarks.curves.recording import EPOCHS
from tests.benchmarks.strategies.lengths import rank_correlations, read_trainings, refit_gains
from tests.benchmarks.strategies.losses import losses
from tests.benchmarks.strategies.portfolio import greedy, regret
from tests.benchmarks.strategies.ranking import (
    Clock,
    draw_critical_difference,
    overall,
    rank_table,
    regret_table,
    significance,
)
from tests.benchmarks.strategies.replays import EQUIVALENTS, replay_all
from tests.benchmarks.strategies.surrogate import Surrogate
from tests.benchmarks.strategies.table import read_tasks

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
CURVES = Path("studies") / "curves"
_CLOCKS: tuple[Clock, ...] = ("by_epochs", "by_seconds")

Curves = Annotated[Path, typer.Option(help="Folder of the recorded curves.")]
AtLeast = Annotated[int, typer.Option(help="Leave out tasks with fewer candidates.")]


@app.command(name="table")
def show_table(curves: Curves = CURVES, at_least: AtLeast = 20) -> None:
    """Print what was recorded, and how well the surrogate predicts it."""
    rows = []
    for task in read_tasks(curves, at_least):
        fit = Surrogate(task).fit
        rows.append(
            {
                "task": task.name,
                "candidates": len(task.curves),
                "rank correlation": fit.rank_correlation,
                "error": fit.error,
                "trees": fit.trees,
                "baseline's regret": regret(task, task.quality(0)) if 0 in task.curves else None,
            }
        )
    typer.echo(pd.DataFrame(rows).round(3).to_string(index=False))


@app.command(name="portfolio")
def choose_portfolio(
    space: Annotated[str, typer.Argument(help="mlp or cnn.")],
    count: Annotated[int, typer.Option(help="How many candidates.")] = 8,
    curves: Curves = CURVES,
    at_least: AtLeast = 20,
) -> None:
    """Print the candidates that suit the recorded data sets best between them."""
    tasks = [task for task in read_tasks(curves, at_least) if task.space == space]
    for index in greedy(tasks, count):
        typer.echo(f"{index}: {tasks[0].candidates[index]}")


@app.command(name="lengths")
def show_lengths(
    curves: Curves = CURVES,
    epochs: Annotated[int, typer.Option(help="Epochs of the trainings to refit by.")] = EPOCHS,
) -> None:
    """Print how well early epochs rank candidates, and at which epoch a refit should end."""
    trainings = read_trainings(curves)
    typer.echo(rank_correlations(trainings).round(2).T.to_string())
    typer.echo(f"\n{refit_gains(trainings, epochs).to_string()}")


@app.command(name="losses")
def show_losses(
    orders: Annotated[int, typer.Option(help="Searches of each task.")] = 50,
    curves: Curves = CURVES,
    at_least: AtLeast = 20,
) -> None:
    """Print how often each pruning rule loses the best of 54 trials, and what it costs."""
    typer.echo(losses(read_tasks(curves, at_least), orders).round(3).to_string())


@app.command(name="replay")
def replay(
    seeds: Annotated[int, typer.Option(help="Replays of each strategy on each task.")] = 20,
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
    only: Annotated[list[str] | None, typer.Option(help="Strategies, by name [all].")] = None,
    up_to: Annotated[int, typer.Option(help="Largest budget, in whole trainings.")] = 100,
    curves: Curves = CURVES,
    at_least: AtLeast = 20,
    out: Annotated[Path, typer.Option(help="Where it writes.")] = Path("runs/strategies"),
) -> None:
    """Replay every strategy on every task; print and write regrets, ranks and significance."""
    budgets = [count for count in EQUIVALENTS if count <= up_to]
    replays = replay_all(read_tasks(curves, at_least), seeds, workers, only or (), budgets)
    out.mkdir(parents=True, exist_ok=True)
    replays.round(4).to_csv(out / "replays.csv", index=False)
    for clock in _CLOCKS:
        typer.echo(f"\nmean regret {clock.replace('_', ' ')}")
        typer.echo(regret_table(replays, clock).round(3).to_string())
        for equivalents in budgets[1:]:
            p = overall(replays, clock, equivalents)
            typer.echo(f"\nmean rank after {equivalents} whole trainings (all alike: p = {p:.1e})")
            typer.echo(rank_table(replays, clock, equivalents).round(1).to_string())
            significance(replays, clock, equivalents).round(4).to_csv(
                out / f"significance-{clock}-{equivalents}.csv"
            )
            draw_critical_difference(
                replays, clock, equivalents, out / f"ranks-{clock}-{equivalents}.png"
            )


if __name__ == "__main__":
    app()
