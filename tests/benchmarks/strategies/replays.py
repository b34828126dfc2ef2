"""Replays of every contestant on every task, each data set left out of what is learned from it."""

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple, final

import numpy as np
import pandas as pd
from loky import get_reusable_executor

from spaces import load_space
from spaces.prior import Prior
from tests.benchmarks.strategies.contestants import CONTESTANTS, Contestant, optuna_sampler
from tests.benchmarks.strategies.fitting import fit_beliefs
from tests.benchmarks.strategies.portfolio import greedy, regret
from tests.benchmarks.strategies.proposers import (
    Choose,
    Evolving,
    OptunaProposer,
    Pool,
    draw_pool,
    informed,
    uniform,
)
from tests.benchmarks.strategies.simulation import Proposer, simulate
from tests.benchmarks.strategies.smac_search import smac_slices
from tests.benchmarks.strategies.surrogate import Surrogate
from tests.benchmarks.strategies.table import Curve, Params, Task

HORIZON = 27
EQUIVALENTS = (5, 10, 25, 50, 100)
"""Budgets, in whole trainings."""

PORTFOLIO_SIZE = 8


@final
class Arena:
    """A task ready for replays: pools of candidates with their curves, and its portfolio."""

    def __init__(self, task: Task, others: Sequence[Task]) -> None:
        warnings.simplefilter("ignore")
        self.task, self.surrogate = task, Surrogate(task)
        kept = [one for one in others if one.space == task.space and one.family != task.family]
        self.portfolio = greedy(kept, PORTFOLIO_SIZE) if kept else []
        space = load_space(task.space)
        fitted = Prior(fit_beliefs(space, kept)) if kept else Prior()
        self._pools = {
            "uniform": self._pool(uniform),
            "prior": self._pool(informed(space.prior or Prior(), task)),
            "fitted": self._pool(informed(fitted, task)),
        }

    def replay(
        self, contestant: Contestant, seed: int, budgets: Sequence[int] = EQUIVALENTS
    ) -> list[tuple[float, float]]:
        """Return the normalised regret at each budget, on the clocks of epochs and of seconds."""
        if contestant.strategy is None:
            steps = smac_slices(self.task, self.surrogate, seed, HORIZON)
        else:
            steps = contestant.strategy(self._proposer(contestant, seed), HORIZON, seed)
        trajectory = simulate(steps, HORIZON, max(budgets) * HORIZON)
        whole = self._seconds_of_a_training()
        return [
            (
                regret(self.task, trajectory.at(trajectory.epochs, count * HORIZON)),
                regret(self.task, trajectory.at(trajectory.seconds, count * whole / 2)),
            )
            for count in budgets
        ]

    def _pool(self, choose: Choose) -> list[Curve]:
        return self.surrogate.predict(draw_pool(self.task.space, choose))

    def _seconds_of_a_training(self) -> float:
        seconds = [curves[0].epoch_seconds for i, curves in self.task.curves.items() if i % 2]
        return HORIZON * float(np.mean(seconds))

    def _proposer(self, contestant: Contestant, seed: int) -> Proposer:
        first = [self._recorded(index, seed) for index in self._first(contestant)]
        if contestant.source in self._pools:
            return Pool([curve for _, curve in first], self._pools[contestant.source], seed)
        if contestant.source == "evolved":
            prior = load_space(self.task.space).prior or Prior()
            choose = informed(prior, self.task)
            return Evolving(self.task, self.surrogate, choose, first, seed)
        sampler = optuna_sampler(contestant.source, seed)
        stubborn = contestant.source == "gp"
        return OptunaProposer(self.task, self.surrogate, sampler, first, hears_limits=stubborn)

    def _first(self, contestant: Contestant) -> list[int]:
        if contestant.start == "none":
            return []
        chosen = self.portfolio if contestant.start == "portfolio" else []
        wanted = [0, *(index for index in chosen if index)]
        return [index for index in wanted if index in self.task.curves]

    def _recorded(self, index: int, seed: int) -> tuple[Params, Curve]:
        curves, params = self.task.curves[index], self.task.candidates[index]
        curve, *_ = self.surrogate.with_short([params], [curves[seed % len(curves)]])
        return params, curve


class Replayed(NamedTuple):
    """One contestant's regret on one task at one budget, the mean over seeds."""

    contestant: str
    task: str
    equivalents: int
    by_epochs: float
    by_seconds: float


def replay_all(
    tasks: Sequence[Task],
    seeds: int,
    workers: int,
    names: Sequence[str] = (),
    budgets: Sequence[int] = EQUIVALENTS,
) -> pd.DataFrame:
    """Return the mean regret of every contestant on every task at every budget.

    Args:
        tasks: The recorded tasks.
        seeds: Replays of each contestant on each task.
        workers: Processes.
        names: Contestants to replay; all if there are none.
        budgets: Whole trainings after which the winner is judged.
    """
    contestants = [one for one in CONTESTANTS if not names or one.name in names]
    executor = get_reusable_executor(workers, timeout=600)
    work = partial(
        _replay_task,
        tasks=tasks,
        contestants=[one.name for one in contestants],
        seeds=seeds,
        budgets=budgets,
    )
    rows = [row for found in executor.map(work, range(len(tasks))) for row in found]
    return pd.DataFrame(rows)


def _replay_task(
    index: int,
    tasks: Sequence[Task],
    contestants: Sequence[str],
    seeds: int,
    budgets: Sequence[int],
) -> list[Replayed]:
    arena = Arena(tasks[index], tasks)
    return [
        row
        for contestant in CONTESTANTS
        if contestant.name in contestants
        for row in _replay(arena, contestant, min(seeds, contestant.seeds or seeds), budgets)
    ]


def _replay(
    arena: Arena, contestant: Contestant, seeds: int, budgets: Sequence[int]
) -> Iterator[Replayed]:
    regrets = np.mean([arena.replay(contestant, seed, budgets) for seed in range(seeds)], axis=0)
    for equivalents, (by_epochs, by_seconds) in zip(budgets, regrets, strict=True):
        yield Replayed(contestant.name, arena.task.name, equivalents, by_epochs, by_seconds)
