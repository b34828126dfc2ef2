"""How trials end: what is told of each is what is stored."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.records import TrialRecord
from search.tuning.run_events import TrialEnded
from tests.study_fixtures import EventRecorder

pytestmark = pytest.mark.slow

Maker = Callable[..., Recipe]
_SPACE = """
from spaces import Candidate, MLPConfig, SGDConfig, Space

def suggest(trial):
    rate = trial.suggest_categorical("rate", [1e-2, 1e38, -1.0])
    trial.suggest_categorical("unused", [1, 2])
    if rate < 0:
        raise ValueError("must learn")
    model = MLPConfig(hidden_widths=(8,), dropouts=(0.0,))
    return Candidate(model=model, optimizer=SGDConfig(learning_rate=rate))

ODD = Space("odd", suggest)
"""
SEARCHES: dict[str, dict[str, Any]] = {
    "halving": {"pruner": "halving", "trials": 4, "epochs": 4},
    "racing": {"validation": "kfold", "folds": 3, "racing": True, "trials": 4},
    "two objectives": {"objective": "accuracy,parameters", "pruner": "none", "trials": 3},
}


@pytest.mark.parametrize("settings", SEARCHES.values(), ids=SEARCHES)
def test_what_is_told_is_what_is_stored(
    settings: dict[str, Any], make_recipe: Maker, listener: EventRecorder
) -> None:
    """Complete and pruned trials, of one objective and of two."""
    record = run_study(make_recipe(**settings), listener, executor="inline").record
    assert {trial.state for trial in record.trials} <= {"complete", "pruned"}
    _check_told(listener, record.trials)


def test_odd_ends_are_told_as_they_are_stored(
    make_recipe: Maker, listener: EventRecorder, tmp_path: Path
) -> None:
    """Candidates that diverge, that cannot be trained, or that were tried before."""
    space = tmp_path / "odd.py"
    space.write_text(_SPACE, encoding="utf-8")
    recipe = make_recipe(space=f"{space}:ODD", trials=12, pruner="none", with_baseline=False)
    record = run_study(recipe, listener, executor="inline").record
    assert any(trial.diverged for trial in record.trials)
    assert any(trial.same_as is not None for trial in record.trials)
    _check_told(listener, record.trials)


def _check_told(listener: EventRecorder, stored: tuple[TrialRecord, ...]) -> None:
    told = {event.trial.number: event.trial for event in listener.all(TrialEnded)}
    assert told.keys() == {trial.number for trial in stored}
    for trial in stored:
        ended = told[trial.number]
        assert ended.finished is not None
        assert trial.finished is not None
        assert abs(ended.finished - trial.finished) < timedelta(seconds=2)
        assert replace(ended, finished=trial.finished) == trial
