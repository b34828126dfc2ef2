"""Whole searches on tiny images: plans, repeatability, resumption, honesty."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from PIL import Image

from search import load_study
from search.catalog.studies import open_stored
from search.errors import UserError
from search.executors import InlineExecutor
from search.metric import ACCURACY, LOSS
from search.paths import RunPaths
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.endings import EndInfo, end_info
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord
from search.tuning.run_events import TrialStarted
from search.tuning.storage import open_storage, storage_url
from search.tuning.store import find_study, read_study
from spaces import ConstantConfig, load_space
from spaces.schedules import Schedule

Maker = Callable[..., Recipe]


def _table(record: StudyRecord) -> list[tuple[Any, ...]]:
    """Return what a repeated search must repeat exactly, in plan order."""
    rows = [
        (
            t.plan,
            t.state,
            sorted(t.params.items()),
            t.value,
            t.best_epoch,
            t.fold_scores,
            _curves(t),
        )
        for t in record.trials
        if t.state in ("complete", "pruned")
    ]
    return sorted(rows, key=lambda row: row[0])


def _curves(trial: Any) -> list[Any]:
    folds = [fold for epoch in trial.history.epochs for fold in epoch]
    return [dataclasses.replace(fold, seconds=0.0) for fold in folds]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_the_number_of_workers_changes_nothing(
    sampler: str, make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """One process, two processes and none give the same trials, curves, winner and test."""
    outcomes = []
    for number, (workers, executor) in enumerate(
        [(1, "processes"), (2, "processes"), (1, "inline")]
    ):
        recipe = make_recipe(
            sampler=sampler, pruner="halving", trials=7, epochs=5, workers=workers
        ).model_copy(update={"runs_dir": tmp_path / f"runs{number}"})
        outcomes.append(run_study(recipe, listener, executor=executor).record)
    first, *others = outcomes
    assert [t.plan for t in first.trials] == list(range(7))
    assert {t.state for t in first.trials} == {"complete", "pruned"}
    for other in others:
        assert _table(other) == _table(first)
        assert other.winner() is not None
        assert other.test == first.test


@pytest.mark.slow
def test_tpe_is_repeatable_with_one_worker(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """TPE asked twice with the same seed samples the same trials; another seed, others."""
    tables = []
    for number, seed in enumerate((0, 0, 1)):
        recipe = make_recipe(sampler="tpe", trials=14, epochs=2, seed=seed)
        recipe = recipe.model_copy(update={"runs_dir": tmp_path / f"runs{number}"})
        tables.append(_table(run_study(recipe, listener, executor="inline").record))
    assert tables[0] == tables[1] != tables[2]


@pytest.mark.slow
def test_a_grid_search_visits_every_point_once(make_recipe: Maker, listener: Any) -> None:
    """Without a number of trials the whole grid is trained, the baseline with it."""
    record = run_study(
        make_recipe(sampler="grid", trials=None, epochs=1), listener, executor="inline"
    ).record
    points = [str(sorted(t.params.items())) for t in record.trials]
    assert len(points) == len(set(points)) == 9
    assert all(t.state == "complete" for t in record.trials)


@pytest.mark.slow
def test_a_grid_is_done_with_its_points(make_recipe: Maker, listener: Any) -> None:
    """However many trials were asked for: nothing is left to do, and every message says so."""
    recipe = make_recipe(sampler="grid", trials=1000, epochs=1, timeout=600.0)
    for _ in range(2):  # resumed, too
        record = run_study(recipe, listener, executor="inline").record
        assert (record.recipe.trials, record.n_planned(), record.n_done()) == (9, 9, 9)
        assert end_info(record, stopped=False) == EndInfo("done", 9, 9)
    study = load_study(record.name, runs_dir=recipe.runs_dir)
    assert "9 of 9 trials done" in repr(study)
    run_study(make_recipe(sampler="grid", trials=2, study_name="few"), listener, executor="inline")
    few = load_study("few", runs_dir=recipe.runs_dir)
    assert few.record.n_planned() == 2


@pytest.mark.slow
def test_kfold_scores_are_means_at_the_best_mean_epoch(make_recipe: Maker, listener: Any) -> None:
    """The value is the mean over folds at E*, E* the best epoch of the mean curve."""
    recipe = make_recipe(validation="kfold", folds=3, pruner="none", epochs=5, refit="best-epoch")
    record = run_study(recipe, listener, executor="inline").record
    for trial in record.complete():
        curve = trial.history.mean_curve(ACCURACY)
        assert len(trial.fold_scores) == 3
        assert trial.value == trial.mean == max(curve)
        assert trial.best_epoch == curve.index(max(curve)) + 1
        assert trial.mean == pytest.approx(np.mean(trial.fold_scores))
    winner = record.winner()
    assert winner is not None
    assert record.refit is not None
    assert (record.refit.trial, record.refit.epochs) == (winner.number, winner.best_epoch)
    assert winner.mean == max(t.mean or 0 for t in record.complete())


@pytest.mark.slow
def test_the_loss_can_be_the_metric(make_recipe: Maker, listener: Any) -> None:
    """With `metric = "loss"` the lowest mean loss wins and E* is its epoch."""
    record = run_study(
        make_recipe(metric="loss", pruner="none"), listener, executor="inline"
    ).record
    winner = record.winner()
    assert winner is not None
    assert winner.value == min(min(t.history.mean_curve(LOSS)) for t in record.complete())


@pytest.mark.slow
def test_the_same_command_goes_on(make_recipe: Maker, listener: Any) -> None:
    """Again: nothing is trained and the test set stays shut. More trials: only those are new."""
    first = run_study(make_recipe(trials=3), listener, executor="inline").record
    listener.events.clear()
    again = run_study(make_recipe(trials=3), listener, executor="inline").record
    assert not listener.all(TrialStarted)
    assert len(again.openings) == 1
    assert again.test == first.test
    more = run_study(make_recipe(trials=6), listener, executor="inline").record
    assert [event.index for event in listener.all(TrialStarted)] == [3, 4, 5]
    assert _table(more)[:3] == _table(first)


@pytest.mark.slow
def test_raising_trials_ends_as_if_asked_at_once(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """A search in two goes has the trials of a search in one go, pruning included."""
    run_study(make_recipe(trials=4, epochs=6), listener, executor="inline")
    halves = run_study(make_recipe(trials=9, epochs=6), listener, executor="inline").record
    other = make_recipe(trials=9, epochs=6, runs_dir=tmp_path / "whole")
    assert _table(halves) == _table(run_study(other, listener, executor="inline").record)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("seed", 5),
        ("validation", "kfold"),
        ("space", "mlp"),
        ("dataset", "digits"),
        ("epochs", 3),
        ("sampler", "grid"),
    ],
)
def test_another_study_under_the_same_name_is_refused(
    setting: str, value: Any, make_recipe: Maker, listener: Any
) -> None:
    """A study opened with other settings is refused, naming the setting and both values."""
    run_study(make_recipe(trials=1, epochs=1), listener, executor="inline")
    changed = make_recipe(**({"trials": 1, "epochs": 1} | {setting: value}))
    with pytest.raises(UserError, match=f"{setting} .* is now .*{value}") as caught:
        run_study(changed, listener, executor="inline")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_trials_of_a_dead_coordinator_run_again_under_their_index(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """A trial left RUNNING is failed as interrupted and its plan index is run again."""
    whole = run_study(make_recipe(trials=4), listener, executor="inline").record
    recipe = make_recipe(trials=2, runs_dir=tmp_path / "other")
    run_study(recipe, listener, executor="inline")
    paths = RunPaths(tmp_path / "other", "study")
    study = find_study(open_storage(storage_url(None, paths.database)), "study")
    assert study is not None
    lost = whole.trials[2]
    study.add_trial(
        optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=lost.params,
            distributions=load_space(recipe.space).distributions(lost.params),
            user_attrs={"plan": 2, "attempt": 0},
        )
    )
    record = run_study(recipe.model_copy(update={"trials": 4}), listener, executor="inline").record
    failed = [t for t in record.trials if t.state == "failed"]
    assert [(t.plan, t.reason) for t in failed] == [(2, "interrupted")]
    assert [t.attempt for t in record.trials if t.plan == 2] == [0, 1]
    assert _table(record) == _table(whole)


@pytest.mark.slow
def test_too_many_parameters_are_a_constraint(make_recipe: Maker, listener: Any) -> None:
    """Candidates over the bound are never trained; random points are drawn within it."""
    recipe = make_recipe(max_parameters=1000, trials=6, pruner="none")
    record = run_study(recipe, listener, executor="inline").record
    assert all((t.n_parameters or 0) <= 1000 for t in record.trials)
    assert len(record.complete()) == 6
    study = open_stored("study", recipe.runs_dir, None)
    assert all(
        t.constraints == {"max_parameters": t.constraints["max_parameters"]} for t in study.trials
    )
    counts = [trial.n_parameters or 0 for trial in record.trials]
    assert [t.constraints["max_parameters"] for t in study.trials] == [n - 1000 for n in counts]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "grid"])
def test_infeasible_points_are_told_without_training(
    sampler: str, make_recipe: Maker, listener: Any
) -> None:
    """TPE asks again for a point over the bound, the grid closes it; none has an epoch."""
    recipe = make_recipe(
        sampler=sampler, max_parameters=1000, trials=None if sampler == "grid" else 8, epochs=1
    )
    record = run_study(recipe, listener, executor="inline").record
    infeasible = [t for t in record.trials if t.infeasible]
    assert infeasible
    assert all(t.state == "pruned" and not t.history.epochs for t in infeasible)
    trained = [t for t in record.trials if t.state == "complete"]
    assert len(trained) == (8 if sampler == "tpe" else 6)


@pytest.mark.slow
def test_a_bound_that_nothing_meets_is_one_line(make_recipe: Maker, listener: Any) -> None:
    """If no candidate is small enough, the user learns that before any training."""
    with pytest.raises(UserError, match="parameters are more than max_parameters 10"):
        run_study(make_recipe(max_parameters=10), listener, executor="inline")


DIVERGING = """
from spaces import Candidate, MLPConfig, SGDConfig, Space

def suggest(trial):
    rate = trial.suggest_float("lr", 1e-3, 1e30, log=True)
    model = MLPConfig(hidden_widths=(4,), dropouts=(0.0,), batch_norm=False)
    return Candidate(model=model, optimizer=SGDConfig(learning_rate=rate), batch_size=16)

SPACE = Space("diverging", suggest, baseline_params={"lr": LR})
"""


@pytest.mark.slow
def test_a_diverged_trial_is_worth_chance_and_cannot_win(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """A loss that is not finite gives chance accuracy, a tag, and never the winner."""
    space = tmp_path / "diverging.py"
    space.write_text(DIVERGING.replace("LR", "1e30"), encoding="utf-8")
    recipe = make_recipe(space=f"{space}:SPACE", pruner="none", trials=8, seed=3)
    record = run_study(recipe, listener, executor="inline").record
    lost = record.trials[0]
    assert lost.diverged
    assert lost.state == "complete"
    assert lost.value == pytest.approx(1 / 3)
    assert lost.reason is not None
    assert "not finite in epoch" in lost.reason
    winner = record.winner()
    assert winner is not None
    assert not winner.diverged


@pytest.mark.slow
def test_a_study_where_everything_diverged_says_so(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """Without any finite trial there is no refit and no opening of the test set."""
    space = tmp_path / "diverging.py"
    space.write_text(DIVERGING.replace("LR", "1e30"), encoding="utf-8")
    recipe = make_recipe(space=f"{space}:SPACE", trials=1)
    with pytest.raises(UserError, match="no winner: no trial is complete with a finite loss"):
        run_study(recipe, listener, executor="inline")
    assert read_study(open_stored("study", recipe.runs_dir, None)).openings == ()


@pytest.mark.slow
def test_a_failing_trial_is_tried_three_times_and_the_rest_goes_on(
    make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial that the machine fails is retried twice, then left with its reason."""

    build = ConstantConfig.build

    def failing(config: ConstantConfig, learning_rate: float, epochs: int) -> Schedule:
        if learning_rate == 0.01:
            raise MemoryError("no room\nfor more")
        return build(config, learning_rate, epochs)

    monkeypatch.setattr(ConstantConfig, "build", failing)
    recipe = make_recipe(sampler="grid", trials=None, epochs=2, pruner="halving")
    record = run_study(recipe, listener, executor="inline").record
    failed = [t for t in record.trials if t.state == "failed"]
    assert {t.reason for t in failed} == {"oom: no room"}
    assert {t.plan: t.attempt for t in failed} == dict.fromkeys({t.plan for t in failed}, 2)
    assert len(failed) == 3 * 6, "width 2, 4, 8 x (sgd 0.01, adam 0.01), three times each"
    assert {t.params.get("sgd_lr") for t in record.trials if t.state != "failed"} == {0.1}


@pytest.mark.slow
def test_shuffled_labels_end_at_chance(make_recipe: Maker, listener: Any, tmp_path: Path) -> None:
    """On permuted labels validation and test stay at chance: nothing leaks into training."""
    rng = np.random.default_rng(1)
    root = tmp_path / "shuffled"
    for part, count in (("train", 600), ("test", 300)):
        for i in range(count):
            folder = root / part / str(rng.integers(3))
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    recipe = make_recipe(
        dataset=str(root), validation="kfold", folds=3, trials=6, epochs=6, pruner="none"
    )
    record = run_study(recipe, listener, executor="inline").record
    winner = record.winner()
    assert winner is not None
    assert record.test is not None
    chance, deviation = 1 / 3, (1 / 3 * 2 / 3) ** 0.5
    # The best of 6 trials and 6 epochs: four deviations of a mean over 600 images.
    assert abs((winner.mean or 0) - chance) < 4 * deviation / 600**0.5
    assert abs(record.test.accuracy - chance) < 4 * deviation / 300**0.5


@pytest.mark.slow
def test_a_lost_model_folder_is_made_again_without_another_look(
    make_recipe: Maker, listener: Any
) -> None:
    """Where only the exported model is gone, the repeatable refit brings it back."""
    outcome = run_study(make_recipe(trials=2), listener, executor="inline")
    weights = (outcome.paths.model_dir / "weights.safetensors").read_bytes()
    shutil.rmtree(outcome.paths.model_dir)
    again = run_study(make_recipe(trials=2), listener, executor="inline")
    assert (again.paths.model_dir / "weights.safetensors").read_bytes() == weights
    assert len(again.record.openings) == 1
    assert again.record.test == outcome.record.test


@pytest.mark.slow
def test_lost_folds_are_made_again(make_recipe: Maker, listener: Any) -> None:
    """Folds follow from the seed, so a removed run folder does not end a study."""
    outcome = run_study(make_recipe(trials=2), listener, executor="inline")
    shutil.rmtree(outcome.paths.study_dir)
    again = run_study(make_recipe(trials=3), listener, executor="inline")
    assert again.record.folds_hash == outcome.record.folds_hash
    assert _table(again.record)[:2] == _table(outcome.record)


@pytest.mark.slow
def test_auto_takes_what_the_study_has(make_recipe: Maker, listener: Any) -> None:
    """A setting that is left to the program does not make the same command another study."""
    run_study(make_recipe(trials=1, pruner="median"), listener, executor="inline")
    recipe = make_recipe(trials=2, pruner="auto", precision="auto")
    record = run_study(recipe, listener, executor="inline").record
    assert (record.recipe.pruner, record.recipe.precision) == ("median", "fp32")


@pytest.mark.slow
def test_a_study_that_never_began_is_no_obstacle(make_recipe: Maker, listener: Any) -> None:
    """If no trial has started yet, other settings create the study again."""
    recipe = make_recipe(seed=1)
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    assert opened.study.trials == []
    record = run_study(make_recipe(seed=2, trials=1), listener, executor="inline").record
    assert record.recipe.seed == 2


@pytest.mark.slow
def test_a_file_in_the_way_of_the_study_is_named(make_recipe: Maker, listener: Any) -> None:
    """A file where the study's folder should be is one line for the user."""
    recipe = make_recipe()
    recipe.runs_dir.mkdir()
    (recipe.runs_dir / "study").write_text("in the way", encoding="utf-8")
    with pytest.raises(UserError, match="study is a file, and the study needs a folder there"):
        run_study(recipe, listener, executor="inline")
