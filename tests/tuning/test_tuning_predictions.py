"""Which predictions a study keeps: of complete trials, whatever happened on the way, in bounds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.predictions import (
    FoldPredictions,
    TrialPredictions,
    load_fold_predictions,
    save_fold_predictions,
)
from search.errors import MachineError
from search.executors import InlineExecutor
from search.executors.base import Executor
from search.metric import ACCURACY, LOSS
from search.paths import RunPaths
from search.recipe import Recipe
from search.tuning.kept_predictions import KeptPredictions, read_kept
from search.tuning.recorder import TrialRecorder
from search.tuning.records import StudyRecord
from search.tuning.store import read_study
from tests.tuning.late_executor import LateExecutor
from tests.tuning.searches import opened_and_searched

Maker = Callable[..., Recipe]
FOLDS: dict[str, Any] = {
    "validation": "kfold",
    "folds": 3,
    "trials": 4,
    "epochs": 3,
    "pruner": "none",
}


class KilledError(Exception):
    """What ends a run in the middle."""


def searched(
    recipe: Recipe, listener: Any, executor: Executor
) -> tuple[StudyRecord, dict[int, TrialPredictions]]:
    opened = opened_and_searched(recipe, listener, executor)
    record = read_study(opened.study)
    return record, read_kept(record, opened.paths)


@pytest.mark.slow
def test_they_give_a_trials_score(make_recipe: Maker, listener: Any) -> None:
    """Of all images of all folds, once; best trial first. Pruned trials have none."""
    recipe = make_recipe(**FOLDS | {"trials": 8, "pruner": "halving"})
    record, kept = searched(recipe, listener, InlineExecutor())
    complete = [one for one in record.complete() if one.same_as is None]
    assert len(complete) < len(record.trials)
    assert list(kept) == [one.number for one in complete]
    for trial in complete:
        found = kept[trial.number]
        assert sorted(found.images.tolist()) == list(range(90))
        assert found.classes.shape == (3, 90)
        right = (found.classes == found.labels).mean(axis=1)
        assert right[(trial.best_epoch or 0) - 1] == pytest.approx(trial.mean)
        assert right.tolist() == pytest.approx(trial.history.mean_curve(ACCURACY))
        at_best = found.probabilities.argmax(axis=1)
        assert np.array_equal(at_best, found.classes[(trial.best_epoch or 0) - 1])


@pytest.mark.slow
@pytest.mark.usefixtures("looked_at_again_at_once")
def test_folds_on_several_workers_and_races_leave_the_same(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """In a race, who earned all folds has them."""
    one = searched(make_recipe(**FOLDS), listener, InlineExecutor())[1]
    recipe = make_recipe(**FOLDS, runs_dir=tmp_path / "several")
    several = searched(recipe, listener, LateExecutor(4, seed=2))[1]
    assert_same(one, several)
    recipe = make_recipe(**FOLDS, racing=True, runs_dir=tmp_path / "raced")
    record, raced = searched(recipe, listener, LateExecutor(2, seed=3))
    assert 0 < len(raced) < len(one)
    assert set(raced) == {t.number for t in record.complete() if t.same_as is None}
    by_plan = {t.plan: raced[t.number] for t in record.complete() if t.number in raced}
    assert_same({plan: one[plan] for plan in by_plan}, by_plan)


@pytest.mark.slow
def test_a_search_killed_before_a_trial_is_recorded_keeps_the_same(
    make_recipe: Maker, listener: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt finds the trained history, and its predictions, in the checkpoint."""
    whole = searched(make_recipe(**FOLDS), listener, InlineExecutor())[1]
    recipe = make_recipe(**FOLDS, runs_dir=tmp_path / "killed")

    def die(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(TrialRecorder, "complete", die)
        with pytest.raises(KilledError):
            searched(recipe, listener, InlineExecutor())
    record, kept = searched(recipe, listener, InlineExecutor())
    plans = {trial.number: trial.plan for trial in record.trials}
    assert_same(whole, {plans[number]: one for number, one in kept.items()})


def assert_same(first: dict[int, TrialPredictions], second: dict[int, TrialPredictions]) -> None:
    assert set(first) == set(second)
    for number, one in first.items():
        for name, value in vars(one).items():
            assert np.array_equal(value, getattr(second[number], name)), (number, name)


def leave(paths: RunPaths, number: int) -> None:
    """Leave predictions of 100 images, as the worker of a trial does."""
    rng = np.random.default_rng(number)
    made = rng.random((2, 100, 3)).astype(np.float16)
    fold = FoldPredictions(np.arange(100), np.arange(100) % 3, made)
    paths.trial_dir(number).mkdir(parents=True, exist_ok=True)
    save_fold_predictions(paths.fold_predictions(number, 0), {0: fold})


@pytest.mark.parametrize(("metric", "expected"), [(ACCURACY, [2, 3]), (LOSS, [0, 1])])
def test_the_worst_give_theirs_up_when_room_is_short(
    metric: Any, expected: list[int], tmp_path: Path
) -> None:
    """By the direction of the metric; the best one always stays."""
    paths = RunPaths(tmp_path, "study")
    for number in range(4):
        leave(paths, number)
    KeptPredictions(paths, metric).keep(0, 0, 1, 0.1)
    size = paths.trial_predictions(0).stat().st_size
    kept = KeptPredictions(paths, metric, most_bytes=int(2.5 * size))
    for number, score in enumerate((0.1, 0.2, 0.3, 0.4)):
        kept.keep(number, number, 1, score)
    assert [i for i in range(4) if paths.trial_predictions(i).exists()] == expected
    alone = KeptPredictions(paths, metric, most_bytes=0)
    alone.keep(1, 1, 1, 0.5)
    assert paths.trial_predictions(1).exists()


def test_a_trial_that_left_nothing_has_none(tmp_path: Path) -> None:
    """As one with more images than are kept."""
    paths = RunPaths(tmp_path, "study")
    KeptPredictions(paths, ACCURACY).keep(0, 0, 1, 0.5)
    assert not paths.predictions_dir.exists()


def test_damage_of_what_a_worker_left_is_one_line(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path, "study")
    leave(paths, 0)
    paths.fold_predictions(0, 0).write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"."):
        load_fold_predictions(paths.all_fold_predictions(0))
    with pytest.raises(MachineError, match=r"trial 0 .* damaged.*same command again"):
        KeptPredictions(paths, ACCURACY).keep(0, 0, 1, 0.5)
