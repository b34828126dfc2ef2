"""What a stored trial keeps of its confusion matrices: one."""

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from search.metric import ACCURACY
from search.pipeline import run_study
from search.recipe import Recipe
from search.training.history import FoldEpoch, History
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import from_plain, read_trial, to_plain

Maker = Callable[..., Recipe]
EPOCH = FoldEpoch(1.0, 0.5, 1.0, 0.5, 0.1, 1.0, ((3, 1), (0, 4)))


def test_a_stored_history_holds_no_matrix() -> None:
    """Its JSON is what it was before there were any, so that old and new studies read alike."""
    plain = to_plain(History(((EPOCH, EPOCH),)))
    assert all("confusion" not in fold for epoch in plain["epochs"] for fold in epoch)
    assert from_plain(History, plain).confusion(1) is None


def test_a_trial_without_a_matrix_is_read() -> None:
    """As every trial of an older study is."""
    assert read_trial(create_trial(state=TrialState.FAIL)).confusion is None


@pytest.fixture
def record(make_recipe: Maker, listener: Any) -> StudyRecord:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    recipe = make_recipe(validation="kfold", folds=3, pruner="halving", trials=8, racing=True)
    return run_study(recipe, listener, executor="inline").record


@pytest.mark.slow
def test_trials_keep_the_matrix_at_the_epoch_that_counts(record: StudyRecord) -> None:
    """At E* of the complete, at the last epoch of the pruned; over all the folds that they have."""
    kinds = {trial.state for trial in record.trials}
    assert kinds == {"complete", "pruned"}
    for trial in record.trials:
        epoch = trial.best_epoch or len(trial.history.epochs)
        scores = trial.history.fold_scores(epoch, ACCURACY)
        counts = trial.confusion
        assert counts is not None
        assert sum(map(sum, counts)) == 30 * len(scores)
        assert _share_right(trial) == pytest.approx(sum(scores) / len(scores))


def _share_right(trial: TrialRecord) -> float:
    counts = trial.confusion or ()
    return sum(counts[i][i] for i in range(len(counts))) / sum(map(sum, counts))
