"""Replays pruning rules over recorded curves: what each would have cost and kept. Pure."""

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from search.errors import UserError
from search.seeding import derive_seed
from search.study.judge import Judge
from search.study.pruning import (
    HalvingRule,
    HyperbandRule,
    MedianRule,
    NoPruning,
    PruningRule,
    as_higher_is_better,
    rungs,
)
from search.study.records import StudyRecord


class RecordedTrial(NamedTuple):
    """A trial trained to its end: its curve (higher is better) and its seconds an epoch."""

    curve: tuple[float, ...]
    epoch_seconds: float


class ReplayedRule(NamedTuple):
    """What a rule comes to over many orders of the same trials.

    Costs are means, as shares of training everything; regrets are how far the winner's best
    value falls short of the best of all trials: mean and 95th percentile over the orders.
    """

    name: str
    epochs_share: float
    seconds_share: float
    mean_regret: float
    high_regret: float


def recorded_trials(record: StudyRecord) -> list[RecordedTrial]:
    """Return the complete trials in plan order; raises UserError where any trial was pruned."""
    complete = sorted(record.complete(), key=lambda trial: trial.plan)
    if any(t.state == "pruned" and not t.infeasible for t in record.trials) or len(complete) < 2:
        raise UserError(
            f"study {record.name!r} cannot be replayed: it needs at least two complete trials and "
            "none that was pruned; record one with --pruner none"
        )
    metric = record.recipe.metric
    curves = [as_higher_is_better(t.history.mean_curve(metric), metric) for t in complete]
    seconds = [t.history.seconds() / len(t.history.epochs) for t in complete]
    return [RecordedTrial(tuple(c), s) for c, s in zip(curves, seconds, strict=True)]


def replay_all(trials: Sequence[RecordedTrial], orders: int, seed: int) -> list[ReplayedRule]:
    """Return every rule and setting, the cheapest first; the first trial stays first."""
    horizon = max(len(trial.curve) for trial in trials)
    permutations = [_order(len(trials), derive_seed(seed, "order", i)) for i in range(orders)]
    replayed = [
        _replay(name, rule, [[trials[i] for i in order] for order in permutations], horizon)
        for name, rule in candidate_rules(horizon, seed)
    ]
    return sorted(replayed, key=lambda one: one.seconds_share)


def candidate_rules(horizon: int, seed: int) -> Iterator[tuple[str, PruningRule]]:
    """Yield the rules with a range of settings each."""
    yield "none", NoPruning()
    firsts = sorted({max(1, round(horizon * share)) for share in (0.025, 0.05, 0.1, 0.15, 0.25)})
    for first in firsts:
        for startup in (5, 10):
            yield f"median, after {first}, startup {startup}", MedianRule(startup, first)
        for factor in (2, 3, 4):
            yield f"halving from {first} by {factor}", HalvingRule(first, factor)
            starts = rungs(first, factor, max(first, horizon // factor))
            if len(starts) > 1:
                brackets = tuple(HalvingRule(start, factor) for start in starts)
                yield f"hyperband from {first} by {factor}", HyperbandRule(brackets, seed)


def kept_epochs(trials: Sequence[RecordedTrial], rule: PruningRule, horizon: int) -> list[int]:
    """Return how many epochs each trial would have been trained, in the given order."""
    judge = Judge(rule, horizon)
    for plan, trial in enumerate(trials):
        judge.update(plan, trial.curve, ended=True)
    judge.judge()
    return [judge.verdict(plan).epochs for plan in range(len(trials))]


def _replay(
    name: str, rule: PruningRule, orders: Sequence[Sequence[RecordedTrial]], horizon: int
) -> ReplayedRule:
    results = [_replay_one(rule, trials, horizon) for trials in orders]
    epochs, seconds, regrets = zip(*results, strict=True)
    return ReplayedRule(
        name,
        statistics.fmean(epochs),
        statistics.fmean(seconds),
        statistics.fmean(regrets),
        float(np.quantile(regrets, 0.95)),
    )


def _replay_one(
    rule: PruningRule, trials: Sequence[RecordedTrial], horizon: int
) -> tuple[float, float, float]:
    kept = kept_epochs(trials, rule, horizon)
    lengths = [len(trial.curve) for trial in trials]
    spent = sum(n * trial.epoch_seconds for n, trial in zip(kept, trials, strict=True))
    whole = sum(n * trial.epoch_seconds for n, trial in zip(lengths, trials, strict=True))
    full = zip(kept, trials, strict=True)
    survivors = [max(trial.curve) for n, trial in full if n == len(trial.curve)]
    best = max(max(trial.curve) for trial in trials)
    return sum(kept) / sum(lengths), spent / whole, best - max(survivors)


def _order(n: int, seed: int) -> list[int]:
    rest = np.random.default_rng(seed).permutation(n - 1) + 1
    return [0, *(int(i) for i in rest)]
