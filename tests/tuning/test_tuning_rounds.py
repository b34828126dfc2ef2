"""Successive halving with promotion: trials pause at rungs, the best third continue."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.executors import InlineExecutor
from search.metric import ACCURACY
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.opening import open_study
from search.tuning.plan_order import PlanOrderPruner, PruningDecision
from search.tuning.preparing import prepare
from search.tuning.pruners import AshaPruner
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from search.tuning.run_events import TrialPaused
from tests.tuning.late_executor import LateExecutor
from tests.tuning.searches import Undisturbed, searched

Maker = Callable[..., Recipe]
ASHA: dict[str, Any] = {"pruner": "asha", "trials": 9, "epochs": 7}  # rungs 2 and 6


class KilledError(Exception):
    """What ends a run in the middle."""


def _table(record: StudyRecord) -> list[Any]:
    ended = [t for t in record.trials if t.state in ("complete", "pruned")]
    rows = [
        (t.plan, t.state, str(t.params), t.value, t.history.mean_curve(ACCURACY)) for t in ended
    ]
    return sorted(rows)


def _pruner(curves: list[list[float]]) -> PlanOrderPruner:
    pruner = PlanOrderPruner(AshaPruner(min_epochs=1, factor=2), last_epoch=4)
    for index, curve in enumerate(curves):
        pruner.update(index, curve, ended=False)
    pruner.decide()
    return pruner


def test_trials_wait_at_a_rung_until_the_round_ends() -> None:
    """Nothing is decided as they arrive; then the best half continue, early or late in the plan."""
    pruner = _pruner([[0.1], [0.4], [0.2], [0.3]])
    assert [pruner.next_pause(index) for index in range(4)] == [1] * 4
    assert {pruner.decision(index) for index in range(4)} == {PruningDecision()}
    assert pruner.end_round()
    passed = [index for index in range(4) if not pruner.decision(index).pruned]
    assert passed == [1, 3]
    assert [pruner.next_pause(index) for index in passed] == [2, 2]
    assert not pruner.end_round(), "the two that passed are not at the next rung yet"


def test_of_equal_trials_the_first_in_the_plan_continue() -> None:
    """So that exactly the share continues, and nothing is left to chance."""
    pruner = _pruner([[0.5]] * 5)
    pruner.end_round()
    assert [pruner.decision(index).pruned for index in range(5)] == [False, False, True, True, True]


def test_the_lowest_rung_is_judged_first() -> None:
    """Trials that came late, or failed before, catch up with those that wait further on."""
    pruner = _pruner([[0.9], [0.8]])
    pruner.end_round()
    pruner.update(0, [0.9, 0.9], ended=False)
    pruner.update(2, [0.95], ended=False)
    pruner.decide()
    pruner.end_round()
    assert pruner.decision(2) == PruningDecision(1)
    assert pruner.decision(0) == PruningDecision(1), "it still waits at epoch 2"
    pruner.update(2, [0.95, 0.95], ended=False)
    pruner.decide()
    pruner.end_round()
    assert (pruner.decision(2).pruned, pruner.decision(0).pruned) == (False, True)


def test_trials_of_earlier_runs_compete() -> None:
    """They are not judged again."""
    pruner = PlanOrderPruner(AshaPruner(1, 2), 4)
    pruner.add_ended(0, [0.9])
    pruner.add_ended(1, [0.7, 0.8, 0.9, 0.9])
    pruner.update(2, [0.6], ended=False)
    pruner.decide()
    assert pruner.end_round()
    assert pruner.decision(2).pruned
    assert pruner.decision(0) == PruningDecision(1, final=True)


def test_the_last_epoch_is_no_rung() -> None:
    """Who got there is complete."""
    pruner = _pruner([[0.1, 0.2, 0.3, 0.4]])
    for _ in range(2):
        assert pruner.end_round()
    assert pruner.decision(0) == PruningDecision(4)
    assert not pruner.end_round()


@pytest.mark.slow
def test_cost_and_survivors_are_those_computed_by_hand(make_recipe: Maker, listener: Any) -> None:
    """Nine trials train 2 epochs, three of them 4 more, and one of these the last one."""
    record = searched(make_recipe(**ASHA), listener, InlineExecutor())
    lengths = {t.plan: len(t.history.epochs) for t in record.trials}
    assert sorted(lengths.values()) == [2] * 6 + [6] * 2 + [7]
    assert sum(t.fold_epochs for t in record.trials) == 9 * 2 + 3 * 4 + 1
    curves = {t.plan: t.history.mean_curve(ACCURACY) for t in record.trials}
    for rung, longer in ((2, 6), (6, 7)):
        there = [plan for plan in curves if lengths[plan] >= rung]
        best = sorted(there, key=lambda plan: (-curves[plan][rung - 1], plan))
        survivors = {plan for plan in there if lengths[plan] >= longer}
        assert survivors == set(best[: len(there) // 3])
    assert [t.state for t in record.trials if lengths[t.plan] == 7] == ["complete"]
    assert len(listener.all(TrialPaused)) == 9 + 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        ASHA,
        ASHA | {"validation": "kfold", "folds": 3},
        ASHA | {"validation": "kfold", "folds": 3, "racing": True},
        ASHA | {"sampler": "tpe", "trials": 14, "epochs": 5},
    ],
    ids=["holdout", "kfold", "racing", "tpe"],
)
def test_the_number_of_workers_changes_nothing(
    settings: dict[str, Any],
    make_recipe: Maker,
    listener: Any,
    tmp_path: Path,
    undisturbed: Undisturbed,
) -> None:
    """One worker, and two or four that end in any order; folds spread over idle ones."""
    alone = _table(undisturbed(settings))
    assert len(alone) == settings["trials"]
    for workers in (2, 4):
        recipe = make_recipe(**settings, runs_dir=tmp_path / str(workers))
        executor = LateExecutor(workers, seed=workers // 2)
        assert _table(searched(recipe, listener, executor)) == alone


@pytest.mark.slow
@pytest.mark.parametrize("after", [4, 14, 30])
def test_a_killed_search_ends_with_the_same_trials(
    after: int,
    make_recipe: Maker,
    listener: Any,
    tmp_path: Path,
    undisturbed: Undisturbed,
) -> None:
    """The coordinator dies in the first round, in the second and between rounds."""
    recipe, n_events = make_recipe(**ASHA, runs_dir=tmp_path / "killed"), 0

    def die(event: Any) -> None:
        nonlocal n_events
        n_events += 1
        if n_events == after:
            raise KilledError

    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    with pytest.raises(KilledError):
        run_search(opened, LateExecutor(2), die, StopRequest())
    resumed = searched(recipe, listener, LateExecutor(2, seed=3))
    assert _table(resumed) == _table(undisturbed(ASHA))


def test_pausing_needs_checkpoints(make_recipe: Maker) -> None:
    """Otherwise every promoted trial would begin again."""
    with pytest.raises(ValueError, match="'asha' continues trials from checkpoints, got"):
        make_recipe(pruner="asha", checkpoint_every=0)
