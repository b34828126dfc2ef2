"""Adaptive samplers: their choices follow from the recipe, whatever runs at the same time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.errors import UserError
from search.executors import InlineExecutor
from search.pipeline import run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.batches import BatchSampler
from search.tuning.opening import open_study
from search.tuning.points import planned_points
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from spaces import BUILT_IN, load_space
from tests.tuning.late_executor import LateExecutor
from tests.tuning.searches import Undisturbed, searched

Maker = Callable[..., Recipe]
TPE: dict[str, Any] = {"sampler": "tpe", "trials": 16, "batch": 3, "pruner": "halving"}
GP = TPE | {"sampler": "gp", "trials": 13, "pruner": "none"}
RACE: dict[str, Any] = {
    "sampler": "tpe", "trials": 15, "batch": 4, "epochs": 2,
    "validation": "kfold", "folds": 3, "racing": True,
}  # fmt: skip


class KilledError(Exception):
    """What ends a run in the middle."""


def _table(record: StudyRecord) -> list[Any]:
    ended = [t for t in record.trials if t.state in ("complete", "pruned")]
    return sorted((t.plan, t.attempt, t.state, str(t.params), t.value, t.fold_scores)
                  for t in ended)  # fmt: skip


def _told(attempts: dict[int, list[FrozenTrial]], index: int, **settings: Any) -> list[FrozenTrial]:
    """Return what a sampler knows when it chooses the point of an index, after two planned ones."""
    known: dict[str, Any] = {"space": "mlp", "sampler": "tpe", "batch": 3, "epochs": 2}
    recipe = Recipe(**(known | settings))
    seen: list[FrozenTrial] = []

    class Spy(optuna.samplers.RandomSampler):
        def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
            seen.extend(study.get_trials()[:-1])

    sampler = BatchSampler(recipe, BUILT_IN["mlp"], n_points=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(sampler._sampler), "optuna_sampler", lambda _self, _seed: Spy(seed=0))
        sampler.choose(index, attempts)
    return seen


def _trial(state: TrialState, value: float | None = None, **attrs: Any) -> FrozenTrial:
    distribution = optuna.distributions.FloatDistribution(0, 1)
    return create_trial(
        state=state,
        value=value,
        params={"x": 0.25},
        distributions={"x": distribution},
        user_attrs={"candidate": "{}"} | attrs,
        intermediate_values={1: 0.125},
    )


COMPLETE, PRUNED = TrialState.COMPLETE, TrialState.PRUNED
RUNNING, FAIL = TrialState.RUNNING, TrialState.FAIL


@pytest.mark.parametrize("others", [RUNNING, PRUNED, FAIL])
def test_the_trials_of_the_own_batch_stand_as_running(others: TrialState) -> None:
    """Indices 2, 3 and 4 are a batch: whatever became of the first two, the third is told alike."""
    attempts = {index: [_trial(COMPLETE, 0.5)] for index in range(2)}
    attempts |= {index: [_trial(others)] for index in (2, 3)}
    told = _told(attempts, 4)
    assert [one.state for one in told] == [COMPLETE, COMPLETE, RUNNING, RUNNING]
    assert [one.value for one in told] == [0.5, 0.5, None, None]


def test_results_before_the_batch_are_told_in_plan_order() -> None:
    """Failed trials say nothing; an infeasible point is told before the one that replaced it."""
    infeasible = _trial(PRUNED, infeasible=True)
    del infeasible.user_attrs["candidate"]
    attempts = {
        0: [_trial(FAIL), _trial(COMPLETE, 0.75)],
        1: [_trial(FAIL)] * 3,
        2: [infeasible, _trial(PRUNED)],
        3: [_trial(COMPLETE, 0.5)],
        4: [_trial(COMPLETE, 0.25)],
        5: [infeasible],
    }
    told = _told(attempts, 5)
    assert [(one.state, one.value) for one in told] == [
        (COMPLETE, 0.75),
        (PRUNED, None),
        (PRUNED, None),
        (COMPLETE, 0.5),
        (COMPLETE, 0.25),
        (PRUNED, None),
    ]


def test_duplicates_directly_before_a_batch_stand_as_running() -> None:
    """So the sampler moves on; one that other trials follow has the result of its original."""
    same = {"same_as": 0}
    attempts = {
        0: [_trial(COMPLETE, 0.5)],
        1: [_trial(COMPLETE, 0.5, **same)],
        2: [_trial(COMPLETE, 0.75)],
        3: [_trial(COMPLETE, 0.5, **same)],
        4: [_trial(COMPLETE, 0.5, **same)],
    }
    states = [one.state for one in _told(attempts, 5)]
    assert states == [COMPLETE, COMPLETE, COMPLETE, RUNNING, RUNNING]


def test_in_a_race_trials_have_the_score_of_their_first_fold() -> None:
    """Whether they wait, or ended with more folds or fewer than the others."""
    waiting = _trial(RUNNING)
    waiting.intermediate_values = {1: 0.5, 2: 0.25}
    epoch = {
        "train_loss": 1.0, "train_accuracy": 0.5, "validation_loss": 1.0,
        "learning_rate": 0.1, "seconds": 1.0,
    }  # fmt: skip
    curves = [[0.25, 0.125], [0.75, 0.0]]  # two folds, whose mean is the trial's value
    history = [[epoch | {"validation_accuracy": fold[i]} for fold in curves] for i in range(2)]
    raced = _trial(PRUNED, history={"epochs": history})
    settings: dict[str, Any] = {"racing": True, "validation": "kfold"}
    told = _told({0: [waiting], 1: [raced]}, 2, **settings)
    assert [(one.state, one.value) for one in told] == [(COMPLETE, 0.5), (COMPLETE, 0.25)]


def test_a_batch_is_ready_when_all_before_it_has_ended() -> None:
    """Planned points are at once; a duplicate ends with its original."""
    recipe = Recipe(space="mlp", sampler="tpe", batch=2)
    batches = BatchSampler(recipe, BUILT_IN["mlp"], n_points=3, settled={0})
    assert [batches.is_ready(index) for index in range(4)] == [True, True, True, False]
    batches.settle(2)
    batches.add_duplicate(1, 0)
    assert [batches.is_ready(index) for index in range(3, 6)] == [True, True, False]
    batches.settle(4)
    batches.add_duplicate(3, 2)
    assert batches.is_ready(6)
    assert not batches.is_ready(7)


@pytest.mark.parametrize(("prior", "n_points"), [("on", 10), ("off", 1)])
def test_first_points_come_from_the_prior(prior: Any, n_points: int) -> None:
    """As random search draws them, until there are enough to learn from."""
    space, points = BUILT_IN["mlp"], {}
    for sampler in ("tpe", "random"):
        recipe = Recipe(space="mlp", sampler=sampler, trials=12, prior=prior)
        points[sampler] = planned_points(recipe, space, lambda _: None, 1000).points
    assert len(points["tpe"]) == n_points
    assert points["tpe"] == points["random"][:n_points]


@pytest.mark.slow
@pytest.mark.usefixtures("looked_at_again_at_once")
@pytest.mark.parametrize("settings", [TPE, GP, RACE])
def test_the_number_of_workers_changes_nothing(
    settings: dict[str, Any],
    make_recipe: Maker,
    listener: Any,
    tmp_path: Path,
    undisturbed: Undisturbed,
) -> None:
    """One worker, and two or four that end in any order, train the same trials."""
    alone = _table(undisturbed(settings))
    assert len({row[0] for row in alone}) == settings["trials"]
    for workers in (2, 4):
        recipe = make_recipe(**settings, runs_dir=tmp_path / str(workers))
        executor = LateExecutor(workers, seed=workers // 2)
        assert _table(searched(recipe, listener, executor)) == alone


@pytest.mark.slow
def test_the_size_of_a_batch_changes_what_is_tried(
    make_recipe: Maker, listener: Any, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    """It is part of the recipe, and cannot change when a study is resumed."""
    recipe = make_recipe(**TPE | {"batch": 4, "runs_dir": tmp_path / "4"})
    assert _table(searched(recipe, listener, InlineExecutor())) != _table(undisturbed(TPE))
    with pytest.raises(UserError, match="batch 4 is now 5"):
        run_study(recipe.model_copy(update={"batch": 5}), listener, executor="inline")
    resumed = recipe.model_copy(update={"batch": None, "trials": 17})
    assert searched(resumed, listener, InlineExecutor()).recipe.batch == 4


@pytest.mark.slow
@pytest.mark.usefixtures("looked_at_again_at_once")
@pytest.mark.parametrize("settings", [TPE, RACE])
@pytest.mark.parametrize("after", [3, 12])
def test_a_killed_search_ends_with_the_same_trials(
    settings: dict[str, Any],
    after: int,
    make_recipe: Maker,
    listener: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: Undisturbed,
) -> None:
    """The coordinator dies right after a point was chosen, early or late."""
    recipe = make_recipe(**settings, runs_dir=tmp_path / "killed")
    choose, chosen = BatchSampler.choose, []

    def die(self: BatchSampler, index: int, attempts: Any) -> Any:
        chosen.append(index)
        point = choose(self, index, attempts)
        if len(chosen) == after:
            raise KilledError
        return point

    with monkeypatch.context() as patch:
        patch.setattr(BatchSampler, "choose", die)
        with pytest.raises(KilledError):
            searched(recipe, listener, LateExecutor(3, seed=5))
    resumed = searched(recipe, listener, LateExecutor(2, seed=6))
    both = (undisturbed(settings), resumed)
    rows = [[(row[0], *row[2:]) for row in _table(one)] for one in both]
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_a_study_of_an_earlier_release_keeps_choosing_one_by_one(
    make_recipe: Maker, listener: Any
) -> None:
    """Its recipe has no batch; the same command resumes it."""
    recipe = make_recipe(sampler="tpe", trials=3, epochs=2)
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    run_search(opened, InlineExecutor(), listener, StopRequest())
    stored = dict(opened.study.user_attrs["recipe"])
    del stored["batch"]
    opened.study.set_user_attr("recipe", stored)
    more = searched(recipe.model_copy(update={"trials": 5}), listener, InlineExecutor())
    assert (more.recipe.batch, len(more.trials)) == (1, 5)


def test_a_point_without_a_candidate_is_told_with_the_reason(make_recipe: Maker) -> None:
    """It is recorded as infeasible, and the sampler asked again."""

    def refuse(trial: Any) -> Any:
        trial.suggest_float("sgd_lr", 1e-3, 1.0, log=True)
        raise ValueError("too odd")

    space = replace(load_space(make_recipe().space), suggest=refuse)
    recipe = make_recipe(sampler="tpe", batch=1)
    trial, reason = BatchSampler(recipe, space, 0).choose(0, {})
    assert (list(trial.params), reason) == (["sgd_lr"], "too odd")


@pytest.mark.slow
def test_a_sampler_or_a_space_that_fails_is_one_line(make_recipe: Maker) -> None:
    """The error names both, the trial, and what happened."""

    def fail(trial: Any) -> Any:
        raise KeyError("width")

    space = replace(load_space(make_recipe().space), suggest=fail)
    recipe = make_recipe(sampler="tpe", batch=1)
    with pytest.raises(UserError, match=r"^sampler 'tpe' failed in space .* at trial 0 .*KeyError"):
        BatchSampler(recipe, space, 0).choose(0, {})
