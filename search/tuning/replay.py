"""Replays pruners over recorded curves: what each would have cost and lost. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from search.errors import UserError
from search.metric import Metric
from search.seeding import derive_seed
from search.training.history import History
from search.tuning.plan_order import PlanOrderPruner
from search.tuning.pruners import PRUNERS, Pruner
from search.tuning.racing import FoldCurves, best_mean, promotions
from search.tuning.records import StudyRecord


class RecordedTrial(NamedTuple):
    """A trial trained to its end: each fold's curve (higher is better), and seconds per epoch."""

    folds: tuple[tuple[float, ...], ...]
    epoch_seconds: float

    def score(self) -> float:
        """Return the best of the mean over all folds."""
        return best_mean(self.folds)


class ReplayedPruner(NamedTuple):
    """What a pruner costs and loses over many orders of the same trials.

    Costs are means, as shares of training every fold of every trial. Regret is how far the winner's
    score falls short of the best of all trials: mean and 95th percentile over the orders. The
    share of orders in which it does is how often the best trial is lost.
    """

    name: str
    epochs_share: float
    seconds_share: float
    mean_regret: float
    high_regret: float
    lost_share: float


class RecordedTrials(NamedTuple):
    """The trials of a study in plan order, and whether the hand-tuned network is the first."""

    trials: list[RecordedTrial]
    baseline_first: bool


class Kept(NamedTuple):
    """How far a trial would have been trained: for how many epochs, on how many folds."""

    epochs: int
    folds: int


Scoring = Literal["all folds", "racing", "one fold"]


def recorded_trials(record: StudyRecord, *, sampled_only: bool = False) -> RecordedTrials:
    """Return the complete trials; raises UserError if any trial was pruned.

    `sampled_only` leaves out the hand-tuned network where it was tried first.
    """
    first = 1 if sampled_only and record.recipe.with_baseline else 0
    complete = sorted((t for t in record.complete() if t.plan >= first), key=lambda t: t.plan)
    if any(t.state == "pruned" and not t.infeasible for t in record.trials) or len(complete) < 2:
        raise UserError(
            f"study {record.name!r} cannot be replayed: it needs at least two complete trials and "
            "no pruned ones; record one with `pruner` none and without `racing`"
        )
    found = [_recorded(trial.history, record.metric) for trial in complete]
    return RecordedTrials(found, record.recipe.with_baseline and complete[0].plan == 0)


def replay_all(recorded: RecordedTrials, orders: int, seed: int) -> list[ReplayedPruner]:
    """Return every pruner with several settings, cheapest first; the first trial stays first.

    Trials of several folds are also raced, and scored by their first fold only.
    """
    trials = recorded.trials
    horizon = max(len(trial.folds[0]) for trial in trials)
    permutations = [_order(len(trials), derive_seed(seed, "order", i)) for i in range(orders)]
    shuffled = [recorded._replace(trials=[trials[i] for i in order]) for order in permutations]
    scorings: tuple[Scoring, ...] = ("all folds", "racing", "one fold")
    replayed = [
        _replay(name, pruner, scoring, shuffled, horizon)
        for kind in PRUNERS
        for name, pruner in kind.variants(horizon, seed)
        for scoring in (scorings if len(trials[0].folds) > 1 else scorings[:1])
    ]
    return sorted(replayed, key=lambda one: one.seconds_share)


def kept(recorded: RecordedTrials, pruner: Pruner, horizon: int, scoring: Scoring) -> list[Kept]:
    """Return how far each trial would have been trained, in the given order."""
    trials = recorded.trials
    n_folds = len(trials[0].folds)
    compared = n_folds if scoring == "all folds" else 1
    spared = pruner.spared(baseline_first=recorded.baseline_first)
    plan_order = PlanOrderPruner(pruner, horizon, spared)
    for index, trial in enumerate(trials):
        curve = [statistics.fmean(values) for values in zip(*trial.folds[:compared], strict=True)]
        plan_order.update(index, curve, ended=True)
    plan_order.decide()
    while plan_order.end_round():
        pass
    epochs = [plan_order.decision(index).epochs for index in range(len(trials))]
    folds = dict.fromkeys(range(len(trials)), compared)
    if scoring == "racing":
        folds |= _race({i: t.folds for i, t in enumerate(trials) if epochs[i] == horizon}, n_folds)
    return [Kept(epochs[index], folds[index]) for index in range(len(trials))]


def _race(finished: Mapping[int, FoldCurves], n_folds: int) -> dict[int, int]:
    """Return on how many folds each trial that reached the last epoch is finally trained."""
    have = dict.fromkeys(finished, 1)
    while True:
        standings = {index: finished[index][:folds] for index, folds in have.items()}
        earned, level = promotions(standings, n_folds)
        if not earned:
            return have
        have |= dict.fromkeys(earned, level)


def _recorded(history: History, metric: Metric) -> RecordedTrial:
    curves = [metric.as_higher_is_better(curve) for curve in history.fold_curves(metric)]
    return RecordedTrial(tuple(map(tuple, curves)), history.seconds() / history.fold_epochs())


def _replay(
    name: str,
    pruner: Pruner,
    scoring: Scoring,
    orders: Sequence[RecordedTrials],
    horizon: int,
) -> ReplayedPruner:
    results = [_replay_one(pruner, scoring, order, horizon) for order in orders]
    epochs, seconds, regrets = zip(*results, strict=True)
    return ReplayedPruner(
        name if len(orders[0].trials[0].folds) == 1 else f"{name}, {scoring}",
        statistics.fmean(epochs),
        statistics.fmean(seconds),
        statistics.fmean(regrets),
        float(np.quantile(regrets, 0.95)),
        float(np.mean(np.array(regrets) > 0)),
    )


def _replay_one(
    pruner: Pruner, scoring: Scoring, recorded: RecordedTrials, horizon: int
) -> tuple[float, float, float]:
    """Return the shares of epochs and of seconds, and the regret."""
    ends, trials = kept(recorded, pruner, horizon, scoring), recorded.trials
    n_folds = len(trials[0].folds)
    spent = [end.epochs * end.folds for end in ends]
    seconds = [trial.epoch_seconds for trial in trials]
    share = sum(n * s for n, s in zip(spent, seconds, strict=True)) / sum(seconds)
    scored = max(end.folds for end in ends if end.epochs == horizon)
    rivals = [t for t, end in zip(trials, ends, strict=True) if end == Kept(horizon, scored)]
    winner = max(rivals, key=lambda trial: best_mean(trial.folds[:scored]))
    regret = max(trial.score() for trial in trials) - winner.score()
    whole = horizon * n_folds
    return sum(spent) / (whole * len(trials)), share / whole, regret


def _order(n: int, seed: int) -> list[int]:
    rest = np.random.default_rng(seed).permutation(n - 1) + 1
    return [0, *(int(i) for i in rest)]
