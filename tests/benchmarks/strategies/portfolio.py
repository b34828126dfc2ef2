"""A portfolio: few candidates that, between them, suit many data sets."""

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.strategies.table import Floats, Task


def scale(task: Task) -> tuple[float, float]:
    """Return the qualities that mean regret 1 and 0: of the median random candidate, of the best.

    Every second candidate of the table is a random one.
    """
    random = [task.quality(index) for index in task.curves if index % 2 == 1]
    return float(np.median(random)), max(map(task.quality, task.curves))


def regret(task: Task, quality: float) -> float:
    """Return the normalised regret of a quality."""
    worst, best = scale(task)
    return (best - quality) / (best - worst)


def regrets(tasks: Sequence[Task]) -> tuple[list[int], Floats]:
    """Return the candidates that all tasks of one space have, and their regrets (tasks, n)."""
    shared = sorted(set.intersection(*(set(task.curves) for task in tasks)))
    rows = [[regret(task, task.quality(index)) for index in shared] for task in tasks]
    return shared, np.array(rows)


def greedy(tasks: Sequence[Task], count: int) -> list[int]:
    """Return candidates, each the one that lowers the mean regret of the best so far most.

    Tasks are of one space. The first is the best single candidate.
    """
    shared, table = regrets(tasks)
    best = np.full(len(tasks), np.inf)
    chosen: list[int] = []
    for _ in range(min(count, len(shared))):
        gains = np.minimum(best[:, None], table).mean(axis=0)
        gains[[shared.index(index) for index in chosen]] = np.inf
        # among equals the one that is better by itself
        place = int(np.lexsort((table.mean(axis=0), gains.round(6)))[0])
        chosen.append(shared[place])
        best = np.minimum(best, table[:, place])
    return chosen
