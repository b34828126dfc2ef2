"""The judge: the same verdicts however the trials' epochs come in."""

import random

import numpy as np
import pytest

from search.tuning.judge import Judge, Verdict
from search.tuning.pruners import HalvingRule, MedianRule, NoPruning, PruningRule

EPOCHS = 9


def _curves(n: int) -> list[list[float]]:
    rng = np.random.default_rng(n)
    return [list(np.cumsum(rng.uniform(0, 1, EPOCHS))) for _ in range(n)]


def _deliver(
    rule: PruningRule, curves: list[list[float]], workers: int, seed: int
) -> list[Verdict]:
    """Judge the trials as `workers` unsteady workers would deliver them."""
    chance = random.Random(seed)  # noqa: S311
    judge = Judge(rule, EPOCHS)
    waiting, running = list(range(len(curves))), dict[int, int]()
    while waiting or running:
        while waiting and len(running) < workers:
            running[waiting.pop(0)] = 0
        plan = chance.choice(list(running))
        running[plan] += chance.randint(1, 3)
        stopped = judge.verdict(plan).pruned
        ended = stopped or running[plan] >= EPOCHS
        judge.update(plan, curves[plan][: running[plan]], ended=ended)
        judge.judge()
        if ended:
            del running[plan]
    return [judge.verdict(plan) for plan in range(len(curves))]


@pytest.mark.parametrize(
    "rule", [NoPruning(), HalvingRule(1, 3), HalvingRule(2, 2), MedianRule(3, 1)]
)
def test_verdicts_do_not_depend_on_workers_or_their_pace(rule: PruningRule) -> None:
    """Any number of workers at any pace ends with the verdicts of one worker."""
    curves = _curves(12)
    alone = _deliver(rule, curves, workers=1, seed=0)
    assert all(verdict.settled for verdict in alone)
    assert any(verdict.pruned for verdict in alone) == (not isinstance(rule, NoPruning))
    for workers in (2, 3, 5):
        for seed in range(10):
            assert _deliver(rule, curves, workers, seed) == alone


def test_a_trial_waits_for_those_before_it() -> None:
    """Without word from plan index 0, index 1 is not judged at a rung; with it, it is."""
    judge = Judge(HalvingRule(2, 2), EPOCHS)
    judge.update(1, [0.1, 0.1, 0.1], ended=False)
    judge.judge()
    assert judge.verdict(1) == Verdict(epochs=1)
    judge.update(0, [0.5, 0.5], ended=False)
    judge.judge()
    assert judge.verdict(1) == Verdict(epochs=2, pruned=True, settled=True)


def test_epochs_in_vain_count_for_nobody() -> None:
    """What a pruned trial trained beyond its last epoch never competes at a later rung."""
    judge = Judge(HalvingRule(1, 2), EPOCHS)
    judge.update(0, [0.9, 0.2], ended=False)
    judge.update(1, [0.1, 0.99], ended=False)
    judge.update(2, [0.95, 0.3], ended=False)
    judge.judge()
    assert judge.verdict(1) == Verdict(epochs=1, pruned=True, settled=True)
    assert judge.verdict(2) == Verdict(epochs=2), "0.99 of trial 1 must not prune it"


def test_the_last_epoch_is_never_pruned() -> None:
    """A trial that reached the last epoch is complete, though it be a rung."""
    judge = Judge(HalvingRule(3, 3), EPOCHS)
    for plan, level in enumerate((0.9, 0.95, 0.97)):
        judge.update(plan, [level] * EPOCHS, ended=True)
    judge.update(3, [0.98] * 8 + [0.0], ended=True)
    judge.judge()
    assert judge.verdict(3) == Verdict(epochs=EPOCHS, settled=True)


def test_a_trial_that_starts_again_keeps_what_was_accepted() -> None:
    """A retried trial repeats its epochs; nothing accepted is taken back meanwhile."""
    judge = Judge(HalvingRule(1, 2), EPOCHS)
    judge.update(0, [0.9, 0.9, 0.9], ended=False)
    judge.judge()
    judge.update(0, [0.9], ended=False)
    judge.judge()
    assert judge.verdict(0) == Verdict(epochs=3)


def test_settled_trials_of_an_earlier_run_are_rivals() -> None:
    """Curves taken in by `settle` compete, and are never judged again."""
    judge = Judge(HalvingRule(1, 2), EPOCHS)
    judge.settle(0, [0.9])
    judge.update(1, [0.1], ended=False)
    judge.judge()
    assert judge.verdict(0) == Verdict(epochs=1, settled=True)
    assert judge.verdict(1).pruned
