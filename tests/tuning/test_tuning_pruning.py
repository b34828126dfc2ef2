"""Pruning rules: Optuna's decisions in sequence, boundaries, monotone behaviour."""

import numpy as np
import optuna
import pytest

from search.metric import ACCURACY, LOSS
from search.tuning.pruners import (
    PRUNERS,
    HalvingPruner,
    HyperbandPruner,
    MedianPruner,
    Pruner,
    get_pruner,
    rungs,
)

EPOCHS = 20


def _curves(seed: int, n: int = 40) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    levels = rng.uniform(0.1, 0.9, n)
    ramp = 1 - np.exp(-np.arange(1, EPOCHS + 1) / 5)
    return [list(level * ramp + rng.normal(0, 0.02, EPOCHS)) for level in levels]


def _run_in_sequence(rule: Pruner, curves: list[list[float]]) -> list[int]:
    """Return how many epochs each trial got when one worker runs them in order."""
    kept: dict[int, list[float]] = {}
    for plan, curve in enumerate(curves):
        for epoch in range(1, EPOCHS + 1):
            earlier = {other: values[:epoch] for other, values in kept.items()}
            if epoch < EPOCHS and rule.prunes(plan, curve[:epoch], earlier):
                break
        kept[plan] = curve[:epoch]
    return [len(kept[plan]) for plan in range(len(curves))]


def _optuna_in_sequence(pruner: optuna.pruners.BasePruner, curves: list[list[float]]) -> list[int]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    lengths = []
    for curve in curves:
        trial = study.ask()
        for epoch, value in enumerate(curve, start=1):
            trial.report(value, epoch)
            pruned = epoch < EPOCHS and trial.should_prune()
            if pruned:
                break
        lengths.append(epoch)
        if pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, max(curve))
    return lengths


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("min_epochs", "factor"), [(1, 3), (2, 3), (1, 4), (3, 2)])
def test_halving_decides_as_optuna_does_in_sequence(
    seed: int, min_epochs: int, factor: int
) -> None:
    """With one worker, halving prunes every trial at the very epoch at which Optuna does."""
    curves = _curves(seed)
    pruner = optuna.pruners.SuccessiveHalvingPruner(
        min_resource=min_epochs, reduction_factor=factor
    )
    ours = _run_in_sequence(HalvingPruner(min_epochs, factor), curves)
    assert ours == _optuna_in_sequence(pruner, curves)
    assert min(ours) == min_epochs < max(ours)


def test_the_median_rule_compares_the_best_with_the_median() -> None:
    """A trial continues while its best value so far reaches the median at its last epoch."""
    rule = MedianPruner(startup_trials=2, warmup_epochs=0)
    earlier = {0: [0.1, 0.5], 1: [0.2, 0.6], 2: [0.3]}
    assert not rule.prunes(3, [0.1, 0.55], earlier)
    assert not rule.prunes(3, [0.7, 0.1], earlier)
    assert rule.prunes(3, [0.1, 0.54], earlier)
    assert not rule.prunes(1, [0.0, 0.0], {0: [0.1, 0.5]}), "startup trials are never pruned"


def test_hyperband_keeps_its_brackets_apart() -> None:
    """A trial competes with its own bracket only, and all brackets get trials."""
    rule = HyperbandPruner((HalvingPruner(1, 3), HalvingPruner(3, 3)), seed=1)
    brackets = [rule.bracket(plan) for plan in range(200)]
    assert set(brackets) == {0, 1}
    assert brackets.count(0) > brackets.count(1)
    early = brackets.index(0)
    rivals = {plan: [0.9] for plan in range(200) if brackets[plan] == 1}
    assert not rule.prunes(early, [0.1], rivals)
    assert rule.prunes(early, [0.1], rivals | {brackets.index(0, early + 1): [0.9]})


@pytest.fixture(params=PRUNERS, ids=lambda pruner: pruner.name)
def rule(request: pytest.FixtureRequest) -> Pruner:
    """Return every rule that the program offers."""
    pruner: type[Pruner] = request.param
    return pruner.for_horizon(EPOCHS, seed=0)


def test_no_rule_prunes_the_best_trial(rule: Pruner) -> None:
    """The trial that leads at every epoch runs to its end under every rule."""
    curves = _curves(3)
    best = [value + 1 for value in max(curves, key=lambda curve: curve[-1])]
    assert _run_in_sequence(rule, [*curves, best])[-1] == EPOCHS


def test_a_rule_prunes_only_where_it_says_it_decides(rule: Pruner) -> None:
    """`prunes` is False wherever `decides_at` is: workers do not wait there for an answer."""
    earlier = {plan: [1.0] * EPOCHS for plan in range(30)}
    for epoch in range(1, EPOCHS):
        if rule.prunes(31, [0.0] * epoch, {p: c[:epoch] for p, c in earlier.items()}):
            assert rule.decides_at(31, epoch)


def test_rungs_and_signs() -> None:
    """Rungs are powers of the factor up to the horizon; losses are negated."""
    assert rungs(2, 3, 40) == [2, 6, 18]
    assert rungs(1, 4, 3) == [1]
    assert LOSS.as_higher_is_better([1.0, 2.0]) == [-1.0, -2.0]
    assert ACCURACY.as_higher_is_better([1.0, 2.0]) == [1.0, 2.0]


def test_an_unresolved_pruner_is_refused() -> None:
    """A recipe whose pruner is still "auto" is a mistake of the program's."""
    with pytest.raises(ValueError, match="pruner must be resolved"):
        get_pruner("auto")
