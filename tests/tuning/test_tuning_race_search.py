"""Whole searches in which folds race or spread over workers."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.catalog.studies import open_stored
from search.errors import UserError
from search.metric import ACCURACY
from search.pipeline import run_study
from search.recipe import Recipe
from search.training.history import History
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.run_events import FoldsEarned, TrialStarted

Maker = Callable[..., Recipe]
KFOLD: dict[str, Any] = {"validation": "kfold", "folds": 5, "epochs": 4, "trials": 6}


def _figures(history: History) -> list[Any]:
    folds = [fold for epoch in history.epochs for fold in epoch]
    return [dataclasses.replace(fold, seconds=0.0) for fold in folds]


def _table(record: StudyRecord) -> list[Any]:
    ended = sorted(
        (t for t in record.trials if t.state in ("complete", "pruned")), key=lambda t: t.plan
    )
    return [(t.plan, t.state, t.value, t.fold_scores, _figures(t.history)) for t in ended]


def _by_plan(record: StudyRecord) -> dict[int, TrialRecord]:
    return {trial.plan: trial for trial in record.trials}


@pytest.mark.slow
@pytest.mark.parametrize("pruner", ["none", "halving"])
def test_survivors_score_as_without_racing(
    pruner: str, make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """A trial that earned all folds has the curves, E* and score of a search without racing."""
    raced = run_study(make_recipe(**KFOLD, pruner=pruner, racing=True), listener, executor="inline")
    whole = make_recipe(**KFOLD, pruner="none", runs_dir=tmp_path / "whole")
    plain = _by_plan(run_study(whole, listener, executor="inline").record)
    survivors = raced.record.complete()
    assert survivors
    assert len(survivors) < KFOLD["trials"]
    for trial in survivors:
        other = plain[trial.plan]
        assert (trial.value, trial.best_epoch) == (other.value, other.best_epoch)
        assert trial.fold_scores == other.fold_scores
        assert _figures(trial.history) == _figures(other.history)
    reported = open_stored("study", raced.paths.runs_dir, None).trials[survivors[0].number]
    curve = survivors[0].history.mean_curve(ACCURACY)
    assert reported.intermediate_values == dict(enumerate(curve, start=1))


@pytest.mark.slow
def test_losers_are_pruned_on_the_folds_they_earned(make_recipe: Maker, listener: Any) -> None:
    """Without a pruner six trials race on 1, then 2 on 2, then 1 on all 5 folds."""
    record = run_study(
        make_recipe(**KFOLD, pruner="none", racing=True), listener, executor="inline"
    ).record
    folds = sorted(trial.history.n_folds() for trial in record.trials)
    assert folds == [1, 1, 1, 1, 2, 5]
    for trial in record.trials:
        assert trial.state == ("complete" if trial.history.n_folds() == 5 else "pruned")
        assert trial.fold_epochs == 4 * trial.history.n_folds()
    earned = listener.all(FoldsEarned)
    assert [(len(one.numbers), one.n_folds, one.of) for one in earned] == [(2, 2, 5), (1, 5, 5)]
    assert record.test is not None


@pytest.mark.slow
def test_workers_change_nothing_in_a_race(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """Two processes, over which earned folds spread, give the trials of one inline process."""
    tables = []
    for number, (workers, executor) in enumerate([(2, "processes"), (1, "inline")]):
        recipe = make_recipe(
            **KFOLD, pruner="halving", racing=True, workers=workers,
            runs_dir=tmp_path / f"runs{number}",
        )  # fmt: skip
        tables.append(_table(run_study(recipe, listener, executor=executor).record))
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_folds_of_the_last_trial_spread_over_idle_workers(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """One trial and two workers: both train folds of it, with the result of one worker."""
    settings = KFOLD | {"trials": 1, "pruner": "none"}
    spread = run_study(make_recipe(**settings, workers=2), listener).record
    slots = {event.slot for event in listener.all(TrialStarted)}
    assert slots == {0, 1}
    alone = make_recipe(**settings, runs_dir=tmp_path / "alone")
    assert _table(run_study(alone, listener, executor="inline").record) == _table(spread)


@pytest.mark.slow
def test_a_race_goes_on_with_more_trials(make_recipe: Maker, listener: Any) -> None:
    """Trials added later race against those that ended, which keep their ends."""
    settings = KFOLD | {"pruner": "none", "racing": True}
    first = run_study(make_recipe(**settings | {"trials": 3}), listener, executor="inline").record
    more = run_study(make_recipe(**settings | {"trials": 8}), listener, executor="inline").record
    assert _table(more)[:3] == _table(first)
    assert len(_table(more)) == 8
    assert {t.state for t in more.trials} == {"complete", "pruned"}


@pytest.mark.slow
def test_a_race_in_which_all_diverge_ends(make_recipe: Maker, listener: Any, tmp_path: Any) -> None:
    """Diverged trials take no part; where none is left the search ends and says so."""
    space = tmp_path / "wild.py"
    space.write_text(
        "from spaces import Candidate, MLPConfig, SGDConfig, Space\n"
        "def suggest(trial):\n"
        "    rate = trial.suggest_float('rate', 1e30, 1e38, log=True)\n"
        "    model = MLPConfig(hidden_widths=(4,), dropouts=(0.0,), batch_norm=False)\n"
        "    return Candidate(model=model, optimizer=SGDConfig(learning_rate=rate))\n"
        "SPACE = Space('wild', suggest)\n",
        encoding="utf-8",
    )
    recipe = make_recipe(**KFOLD, space=f"{space}:SPACE", racing=True)
    with pytest.raises(UserError, match=r"no trial is complete with a finite loss \(6 diverged\)"):
        run_study(recipe, listener, executor="inline")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"racing": True}, "racing needs validation 'kfold', got 'holdout'"),
        (
            {"racing": True, "validation": "kfold", "sampler": "baseline"},
            "racing needs sampler 'random', 'grid', 'tpe' or 'gp', got 'baseline', which has a",
        ),
    ],
)
def test_what_cannot_race_is_refused(
    settings: dict[str, Any], message: str, make_recipe: Maker
) -> None:
    """Racing needs folds and candidates that compete."""
    with pytest.raises(ValueError, match=message):
        make_recipe(**settings)
