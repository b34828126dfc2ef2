"""Candidates that occur again: trained once, recorded every time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.pipeline import run_study
from search.progress.words import describe_end
from search.recipe import Recipe
from search.tuning.recorder import TrialRecorder
from search.tuning.records import StudyRecord, TrialRecord

pytestmark = pytest.mark.slow

Maker = Callable[..., Recipe]

SPACE = """
from spaces import AdamConfig, Candidate, MLPConfig, Space

def suggest(trial):
    width = trial.suggest_categorical("width", [2, 4])
    model = MLPConfig(hidden_widths=(width,), dropouts=(0.1,))
    return Candidate(model=model, optimizer=AdamConfig(learning_rate=0.01), batch_size=16)

SPACE = Space("two", suggest, baseline_params={"width": 4})
"""


class KilledError(Exception):
    """What ends a run in the middle."""


@pytest.fixture
def make_narrow(make_recipe: Maker, tmp_path: Path) -> Maker:
    """Return a maker of recipes on a space of two candidates."""
    space = tmp_path / "two.py"
    space.write_text(SPACE, encoding="utf-8")
    return lambda **settings: make_recipe(**({"space": f"{space}:SPACE", "trials": 8} | settings))


def _split(record: StudyRecord) -> tuple[list[TrialRecord], list[TrialRecord]]:
    again = [trial for trial in record.trials if trial.same_as is not None]
    return [trial for trial in record.trials if trial.same_as is None], again


@pytest.mark.parametrize(
    "settings",
    [
        {"sampler": "random"},
        {"sampler": "tpe"},
        {"sampler": "random", "pruner": "halving", "epochs": 5},
        {"sampler": "random", "validation": "kfold", "folds": 3, "racing": True},
    ],
    ids=["random", "tpe", "pruned", "racing"],
)
def test_an_equal_candidate_is_not_trained_again(
    settings: dict[str, Any], make_narrow: Maker, listener: Any
) -> None:
    """Two of eight trials train; the others have the result of their equal, at no cost."""
    record = run_study(make_narrow(**settings), listener, executor="inline").record
    trained, again = _split(record)
    assert [len(trained), len(again)] == [2, 6]
    for trial in again:
        original = record.trials[trial.same_as or 0]
        assert trial.candidate == original.candidate
        assert (trial.state, trial.value, trial.history, trial.fold_scores) == (
            original.state,
            original.value,
            original.history,
            original.fold_scores,
        )
        assert (trial.fold_epochs, trial.seconds) == (0, 0.0)
        assert f"as trial {original.number}" in describe_end(trial, record.recipe, record.metric)
    winner = record.winner()
    assert winner is not None
    assert winner.same_as is None, "the one that was trained wins"


def test_workers_and_interruptions_change_nothing(make_narrow: Maker, listener: Any) -> None:
    """Two processes hold an equal candidate back until the first has ended: the same table."""
    one = run_study(make_narrow(study_name="one"), listener, executor="inline").record
    two = run_study(make_narrow(study_name="two", workers=2), listener).record
    more = run_study(make_narrow(study_name="two", workers=2, trials=10), listener).record
    rows = [[(t.plan, t.same_as, t.value) for t in record.trials] for record in (one, two, more)]
    assert rows[0] == rows[1]
    assert rows[2][:8] == rows[0]
    assert len(_split(more)[1]) == 8, "what an earlier run trained counts too"


def test_an_interrupted_duplicate_is_told_by_the_next_run(
    make_narrow: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A coordinator that dies between a duplicate's result and its end loses no plan index."""

    def die_at_the_duplicate(self: TrialRecorder, trial: optuna.Trial, *how: Any) -> Any:
        if "same_as" in trial.user_attrs:
            raise KilledError
        return end(self, trial, *how)

    end = TrialRecorder._end
    with monkeypatch.context() as patch:
        patch.setattr(TrialRecorder, "_end", die_at_the_duplicate)
        with pytest.raises(KilledError):
            run_study(make_narrow(), listener, executor="inline")
    record = run_study(make_narrow(), listener, executor="inline").record
    ended = [trial.plan for trial in record.trials if trial.state in ("complete", "pruned")]
    assert sorted(ended) == list(range(8))


def test_a_baseline_is_repeated(make_narrow: Maker, listener: Any) -> None:
    """The repeats of a baseline are equal on purpose: each is trained, with seeds of its own."""
    recipe = make_narrow(sampler="baseline", trials=2, precision="fp32")
    trained, again = _split(run_study(recipe, listener, executor="inline").record)
    assert [len(trained), len(again)] == [2, 0]
    assert trained[0].value != trained[1].value or trained[0].history != trained[1].history
