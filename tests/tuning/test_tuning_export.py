"""An exported recipe trains the trial's candidate again, from the same seeds bit for bit."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from search.evaluation.exporting import write_recipe
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.records import StudyRecord, TrialRecord
from tests.study_fixtures import EventRecorder

pytestmark = pytest.mark.slow


def run_again(record: StudyRecord, trial: TrialRecord, folder: Path) -> StudyRecord:
    """Return the study of a trial's exported recipe."""
    path = folder / "again.toml"
    write_recipe(record, trial, path, force=False)
    recipe = Recipe.from_sources(path, {"workers": 1})
    return run_study(recipe, EventRecorder(), executor="inline").record


def epochs(trial: TrialRecord) -> list[Any]:
    """Return all figures but the seconds."""
    return [replace(fold, seconds=0.0) for folds in trial.history.epochs for fold in folds]


@pytest.mark.parametrize(
    "settings",
    [
        {"validation": "kfold", "folds": 3, "racing": True, "trials": 2},
        {"sampler": "baseline", "trials": 1},
    ],
)
def test_the_first_point_comes_again_bit_for_bit(
    make_recipe: Callable[..., Recipe],
    listener: EventRecorder,
    tmp_path: Path,
    settings: dict[str, Any],
) -> None:
    """Same candidate, folds and seeds: every figure of every epoch is the same."""
    record = run_study(make_recipe(**settings), listener, executor="inline").record
    first = next(trial for trial in record.trials if trial.plan == 0)
    again = run_again(record, first, tmp_path)
    (repeated,) = again.trials
    assert again.folds_hash == record.folds_hash
    assert repeated.candidate == first.candidate
    n_folds, all_folds = first.history.n_folds(), repeated.history.n_folds()
    assert all_folds == record.recipe.n_folds
    if n_folds == all_folds:
        assert (epochs(repeated), repeated.mean) == (epochs(first), first.mean)


def test_a_later_point_has_the_same_candidate_and_folds(
    make_recipe: Callable[..., Recipe], listener: EventRecorder, tmp_path: Path
) -> None:
    """Its seeds are those of its place in the plan, so its figures are others."""
    record = run_study(make_recipe(trials=2, pruner="none"), listener, executor="inline").record
    later = next(trial for trial in record.trials if trial.plan == 1)
    again = run_again(record, later, tmp_path)
    assert (again.folds_hash, again.trials[0].candidate) == (record.folds_hash, later.candidate)
    assert again.test is not None
    assert epochs(again.trials[0]) != epochs(later)


def test_a_users_metric_comes_along(
    make_recipe: Callable[..., Recipe],
    listener: EventRecorder,
    tmp_path: Path,
) -> None:
    """Its files are gone; the exported ones give the same score, and the study is resumed."""
    mine, exported = tmp_path / "mine", tmp_path / "exported"
    mine.mkdir()
    exported.mkdir()
    (mine / "costs.py").write_text("RIGHT = 3.0\n", encoding="utf-8")
    code = """
        import costs

        def gain(labels, probabilities):
            return costs.RIGHT * float((probabilities.argmax(1) == labels).mean())
    """
    (mine / "met.py").write_text(dedent(code), encoding="utf-8")
    recipe = make_recipe(metric=f"{mine / 'met.py'}:gain", trials=1, epochs=2, pruner="none")
    record = run_study(recipe, listener, executor="inline").record
    shutil.rmtree(mine)
    again = run_again(record, record.trials[0], exported)
    assert again.recipe.metric == f"{exported / 'again-metric.py'}:gain"
    assert (again.metric_code, again.helper_code) == (record.metric_code, record.helper_code)
    assert again.trials[0].value == record.trials[0].value
    resumed = Recipe.from_sources(exported / "again.toml", {"workers": 1})
    assert run_study(resumed, listener, executor="inline").record.trials == again.trials
