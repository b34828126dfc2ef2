"""Pruners that pause trials: all that reached a rung are compared, and the best continue."""

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
from search.tuning.pruners import AshaPruner, SyncHalvingPruner
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from search.tuning.run_events import TrialPaused
from tests.tuning.late_executor import LateExecutor
from tests.tuning.searches import Undisturbed, searched

Maker = Callable[..., Recipe]
ASHA: dict[str, Any] = {"pruner": "asha", "trials": 9, "epochs": 7}  # rungs 2 and 6
NINES: dict[str, Any] = {"pruner": "sync-halving", "trials": 13, "epochs": 5}  # after 1, 9 and 4


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


def _nines(curves: list[list[float]], last_epoch: int = 4) -> PlanOrderPruner:
    pruner = PlanOrderPruner(SyncHalvingPruner(first_epochs=2), last_epoch)
    for index, curve in enumerate(curves):
        pruner.update(index, curve, ended=False)
    pruner.decide()
    return pruner


def test_nine_are_compared_once_all_are_there() -> None:
    """Whatever those after them do; one of them continues."""
    curves = [[0.9, 0.1 * index] for index in range(8)]
    pruner = _nines(curves)
    pruner.update(9, [0.9, 0.99], ended=False)  # of the next nine
    pruner.decide()
    assert {pruner.decision(index).epochs for index in range(8)} == {1}
    pruner.update(8, [0.1, 0.65], ended=False)
    pruner.decide()
    assert [index for index in range(9) if not pruner.decision(index).pruned] == [7]
    assert pruner.decision(7) == PruningDecision(2)
    assert pruner.next_pause(7) is None
    assert pruner.decision(9).epochs == 1


def test_some_of_nine_are_compared_when_no_more_come() -> None:
    """At the end of a plan; of those that come with a longer one, only a better one continues."""
    pruner = _nines([[0.1, 0.5], [0.1, 0.6], [0.1, 0.4]])
    assert pruner.end_round()
    assert [pruner.decision(index).pruned for index in range(3)] == [True, False, True]
    assert not pruner.end_round()
    for index in range(3, 9):
        pruner.update(index, [0.1, 0.55 if index < 8 else 0.7], ended=False)
    pruner.decide()
    assert [index for index in range(9) if not pruner.decision(index).pruned] == [1, 8]


def test_those_that_fail_are_not_waited_for() -> None:
    """Nor are candidates that cannot be trained, or copies of others."""
    pruner = _nines([[0.1, 0.5], [0.1, 0.6]])
    for index in range(2, 8):
        pruner.add_ended(index, [])
    pruner.update(8, [0.3], ended=True)  # it diverged
    pruner.decide()
    assert [pruner.decision(index).pruned for index in (0, 1, 8)] == [True, False, False]
    assert pruner.decision(8) == PruningDecision(1, final=True)


def test_a_spared_trial_is_whole_and_compared_with() -> None:
    """It does not pause; if it is the best of its nine, no other continues."""
    for best in (0.3, 0.9):
        pruner = PlanOrderPruner(SyncHalvingPruner(first_epochs=2), 4, spared={0})
        pruner.update(0, [0.1, best, 0.9], ended=False)
        for index in range(1, 9):
            pruner.update(index, [0.1, 0.1 * index], ended=False)
        pruner.decide()
        assert pruner.next_pause(0) is None
        assert pruner.decision(0) == PruningDecision(3)
        whole = [index for index in range(9) if not pruner.decision(index).pruned]
        assert whole == ([0, 8] if best < 0.8 else [0])


def test_of_nine_equal_trials_the_first_continues() -> None:
    """So that exactly one does."""
    pruner = _nines([[0.5, 0.5]] * 9)
    assert [index for index in range(9) if not pruner.decision(index).pruned] == [0]


@pytest.mark.parametrize(("epochs", "first"), [(27, 3), (40, 4), (15, 2), (9, 1), (2, 1), (1, 1)])
def test_nine_are_compared_after_a_ninth_of_the_epochs(epochs: int, first: int) -> None:
    """One epoch at least; a training of one epoch is never compared before its end."""
    pruner = SyncHalvingPruner.for_horizon(epochs, seed=0)
    assert [epoch for epoch in range(1, 100) if pruner.decides_at(4, epoch)] == [first]
    assert PlanOrderPruner(pruner, epochs).next_pause(0) == (first if epochs > 1 else None)


@pytest.mark.slow
def test_the_best_of_each_nine_and_of_the_rest_is_whole(make_recipe: Maker, listener: Any) -> None:
    """The others end after the first epoch, except for the hand-tuned network, the first."""
    record = searched(make_recipe(**NINES), listener, InlineExecutor())
    curves = {t.plan: t.history.mean_curve(ACCURACY) for t in record.trials}
    whole = {plan for plan, curve in curves.items() if len(curve) == 5}
    assert {len(curve) for plan, curve in curves.items() if plan not in whole} == {1}
    nines = [range(9), range(9, 13)]
    best = {min(nine, key=lambda plan: (-curves[plan][0], plan)) for nine in nines}
    assert whole == {0, *best}
    assert {t.plan for t in record.complete()} == whole


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
@pytest.mark.usefixtures("looked_at_again_at_once")
@pytest.mark.parametrize(
    "settings",
    [
        ASHA,
        ASHA | {"validation": "kfold", "folds": 3},
        ASHA | {"validation": "kfold", "folds": 3, "racing": True},
        ASHA | {"sampler": "tpe", "trials": 14, "epochs": 5},
        NINES,
        NINES | {"validation": "kfold", "folds": 3, "trials": 10},
        NINES | {"validation": "kfold", "folds": 3, "racing": True, "trials": 10},
        NINES | {"sampler": "tpe", "trials": 15},
    ],
    ids=["holdout", "kfold", "racing", "tpe", "nines", "nines kfold", "nines racing", "nines tpe"],
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
@pytest.mark.usefixtures("looked_at_again_at_once")
@pytest.mark.parametrize("settings", [ASHA, NINES], ids=["asha", "nines"])
@pytest.mark.parametrize("after", [4, 14, 30])
def test_a_killed_search_ends_with_the_same_trials(
    after: int,
    settings: dict[str, Any],
    make_recipe: Maker,
    listener: Any,
    tmp_path: Path,
    undisturbed: Undisturbed,
) -> None:
    """The coordinator dies in the first round, in the second and between rounds."""
    recipe, n_events = make_recipe(**settings, runs_dir=tmp_path / "killed"), 0

    def die(event: Any) -> None:
        nonlocal n_events
        n_events += 1
        if n_events == after:
            raise KilledError

    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    with pytest.raises(KilledError):
        run_search(opened, LateExecutor(2), die, StopRequest())
    resumed = searched(recipe, listener, LateExecutor(2, seed=3))
    assert _table(resumed) == _table(undisturbed(settings))


def test_pausing_needs_checkpoints(make_recipe: Maker) -> None:
    """Otherwise every promoted trial would begin again."""
    with pytest.raises(ValueError, match="'asha' continues trials from checkpoints, got"):
        make_recipe(pruner="asha", checkpoint_every=0)
