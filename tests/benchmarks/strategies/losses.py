"""How often pruning loses the best trial, and what it costs, over recorded curves."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from search.seeding import derive_seed
from search.tuning.replay import RecordedTrial, RecordedTrials, replay_all
from search.tuning.samplers import ENOUGH_TO_COMPARE
from tests.benchmarks.curves.candidates import COUNTS
from tests.benchmarks.strategies.table import Curve, Task


def losses(tasks: Sequence[Task], orders: int) -> pd.DataFrame:
    """Return each pruning rule's costs and losses, means over tasks, the cheapest first.

    The best trial is the one that whole trainings would have made the winner. Where it is lost,
    the winner may be hardly worse; so it is also counted how often the winner falls short by more
    than a standard error of the best trial's validation accuracy.

    Args:
        tasks: The recorded tasks.
        orders: Searches of each task, of as many trials as are the default: the hand-tuned
            network, then candidates drawn anew from the recorded ones, without the designed ones.
    """
    rows = [row for task in tasks for number in range(orders) for row in _searched(task, number)]
    by_rule = pd.DataFrame(rows).groupby("rule").mean(numeric_only=True)
    return by_rule.sort_values("epochs")


def _searched(task: Task, number: int) -> Iterator[dict[str, object]]:
    recorded = _drawn_search(task, number)
    best = max(trial.score() for trial in recorded.trials)
    standard_error = math.sqrt(best * (1 - best) / (task.n_images // 5))
    for rule in replay_all(recorded, orders=1, seed=number):
        yield {
            "rule": rule.name,
            "epochs": rule.epochs_share,
            "time": rule.seconds_share,
            "best lost": rule.lost_share,
            "by more than noise": float(rule.mean_regret > standard_error),
            "mean regret": rule.mean_regret,
        }


def _drawn_search(task: Task, number: int) -> RecordedTrials:
    rng = np.random.default_rng(derive_seed(number, "drawn search", task.name))
    drawn = [index for index in task.curves if 0 < index < COUNTS[task.space]]
    chosen = rng.permutation(drawn)[: ENOUGH_TO_COMPARE - 1].tolist()
    return RecordedTrials([_trial(task.curves[i][0]) for i in (0, *chosen)], baseline_first=True)


def _trial(curve: Curve) -> RecordedTrial:
    return RecordedTrial((tuple(curve.accuracy.tolist()),), curve.epoch_seconds)
