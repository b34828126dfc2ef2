"""Pruning in plan order: the same decisions however the trials' epochs come in."""

import random

import numpy as np
import pytest

from search.tuning.plan_order import PlanOrderPruner, PruningDecision
from search.tuning.pruners import (
    HalvingPruner,
    MedianPruner,
    NoPruner,
    Pruner,
    SyncHalvingPruner,
)

EPOCHS = 9


def _curves(n: int) -> list[list[float]]:
    rng = np.random.default_rng(n)
    return [list(np.cumsum(rng.uniform(0, 1, EPOCHS))) for _ in range(n)]


def _deliver(
    rule: Pruner, curves: list[list[float]], workers: int, seed: int
) -> list[PruningDecision]:
    """Judge the trials as `workers` unsteady workers would deliver them."""
    chance = random.Random(seed)  # noqa: S311
    pruner = PlanOrderPruner(rule, EPOCHS)
    waiting, running = list(range(len(curves))), dict[int, int]()
    while waiting or running:
        while waiting and len(running) < workers:
            running[waiting.pop(0)] = 0
        index = chance.choice(list(running))
        running[index] += chance.randint(1, 3)
        stopped = pruner.decision(index).pruned
        ended = stopped or running[index] >= EPOCHS
        pruner.update(index, curves[index][: running[index]], ended=ended)
        pruner.decide()
        if ended:
            del running[index]
    return [pruner.decision(index) for index in range(len(curves))]


@pytest.mark.parametrize(
    "rule",
    [
        NoPruner(),
        HalvingPruner(1, 3),
        HalvingPruner(2, 2),
        MedianPruner(3, 1),
        SyncHalvingPruner(2),
    ],
)
def test_decisions_do_not_depend_on_workers_or_their_pace(rule: Pruner) -> None:
    """Any number of workers at any pace ends with the decisions of one worker."""
    curves = _curves(18)
    alone = _deliver(rule, curves, workers=1, seed=0)
    assert all(decision.final for decision in alone)
    assert any(decision.pruned for decision in alone) == (not isinstance(rule, NoPruner))
    for workers in (2, 3, 5):
        for seed in range(10):
            assert _deliver(rule, curves, workers, seed) == alone


def test_a_trial_waits_for_those_before_it() -> None:
    """Without word from plan index 0, index 1 is not judged at a rung; with it, it is."""
    pruner = PlanOrderPruner(HalvingPruner(2, 2), EPOCHS)
    pruner.update(1, [0.1, 0.1, 0.1], ended=False)
    pruner.decide()
    assert pruner.decision(1) == PruningDecision(epochs=1)
    pruner.update(0, [0.5, 0.5], ended=False)
    pruner.decide()
    assert pruner.decision(1) == PruningDecision(epochs=2, pruned=True, final=True)


def test_epochs_in_vain_count_for_nobody() -> None:
    """What a pruned trial trained beyond its last epoch never competes at a later rung."""
    pruner = PlanOrderPruner(HalvingPruner(1, 2), EPOCHS)
    pruner.update(0, [0.9, 0.2], ended=False)
    pruner.update(1, [0.1, 0.99], ended=False)
    pruner.update(2, [0.95, 0.3], ended=False)
    pruner.decide()
    assert pruner.decision(1) == PruningDecision(epochs=1, pruned=True, final=True)
    assert pruner.decision(2) == PruningDecision(epochs=2), "0.99 of trial 1 must not prune it"


def test_the_last_epoch_is_never_pruned() -> None:
    """A trial that reached the last epoch is complete, though it be a rung."""
    pruner = PlanOrderPruner(HalvingPruner(3, 3), EPOCHS)
    for plan, level in enumerate((0.9, 0.95, 0.97)):
        pruner.update(plan, [level] * EPOCHS, ended=True)
    pruner.update(3, [0.98] * 8 + [0.0], ended=True)
    pruner.decide()
    assert pruner.decision(3) == PruningDecision(epochs=EPOCHS, final=True)


def test_a_trial_that_starts_again_keeps_what_was_accepted() -> None:
    """A retried trial repeats its epochs; nothing accepted is taken back meanwhile."""
    pruner = PlanOrderPruner(HalvingPruner(1, 2), EPOCHS)
    pruner.update(0, [0.9, 0.9, 0.9], ended=False)
    pruner.decide()
    pruner.update(0, [0.9], ended=False)
    pruner.decide()
    assert pruner.decision(0) == PruningDecision(epochs=3)


def test_settled_trials_of_an_earlier_run_are_rivals() -> None:
    """Curves taken in by `add_ended` compete, and are never judged again."""
    pruner = PlanOrderPruner(HalvingPruner(1, 2), EPOCHS)
    pruner.add_ended(0, [0.9])
    pruner.update(1, [0.1], ended=False)
    pruner.decide()
    assert pruner.decision(0) == PruningDecision(epochs=1, final=True)
    assert pruner.decision(1).pruned


def test_decided_trials_are_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a trial costs the same however many there were before it."""
    rule = SyncHalvingPruner(2)
    pruner = PlanOrderPruner(rule, EPOCHS)
    for index in range(1_000):
        pruner.add_ended(index, [0.5] * EPOCHS)
    looked: list[int] = []
    look = PlanOrderPruner.decision

    def counted(self: PlanOrderPruner, index: int) -> PruningDecision:
        looked.append(index)
        return look(self, index)

    monkeypatch.setattr(PlanOrderPruner, "decision", counted)
    pruner.update(1_000, [0.4], ended=False)
    pruner.decide()
    assert 1_000 in looked
    assert len(looked) < 50
