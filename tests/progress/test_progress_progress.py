"""The state of a running search, from the events that it hears."""

import pytest

from search.progress.state import SearchProgress
from search.tuning.run_events import (
    EpochEnded,
    FoldsEarned,
    StudyOpened,
    TrialEnded,
    TrialStarted,
    TrialWaiting,
)
from tests.fakes import make_recipe, make_trial


def test_states_are_counted_by_how_trials_ended() -> None:
    """Failed and infeasible trials are counted apart."""
    progress = SearchProgress(make_recipe(), 6)
    for number, state in enumerate(("complete", "pruned", "failed", "complete")):
        progress.take(TrialEnded(make_trial(number, state)))
    progress.take(TrialEnded(make_trial(4, "pruned", infeasible=True)))
    assert progress.counts == {"complete": 2, "pruned": 1, "failed": 1, "infeasible": 1}


@pytest.mark.parametrize(("sampler", "done"), [("random", 2), ("grid", 2), ("tpe", 1)])
def test_an_infeasible_point_is_done_where_the_plan_is_fixed(sampler: str, done: int) -> None:
    """TPE asks again in its place; random and grid search have one point less to train."""
    progress = SearchProgress(make_recipe(sampler=sampler), 3)
    progress.take(TrialEnded(make_trial(0)))
    progress.take(TrialEnded(make_trial(1, "pruned", infeasible=True)))
    progress.take(TrialEnded(make_trial(2, "failed")))
    assert progress.done() == done


@pytest.mark.parametrize(("metric", "best"), [("accuracy", 1), ("loss", 0)])
def test_the_best_follows_the_metric(metric: str, best: int) -> None:
    """Accuracy is best when high, loss when low."""
    progress = SearchProgress(make_recipe(metric=metric), 3)
    for number, mean in enumerate((0.3, 0.9, 0.6)):
        progress.take(TrialEnded(make_trial(number, mean=mean)))
    assert progress.best is not None
    assert progress.best.number == best


def test_a_tie_goes_to_the_lower_plan_index() -> None:
    """The best so far is the trial that will win, whichever worker was faster."""
    progress = SearchProgress(make_recipe(), 3)
    for plan in (2, 0, 1):
        progress.take(TrialEnded(make_trial(plan, mean=0.5)))
    assert progress.best is not None
    assert progress.best.plan == 0


def test_pruned_failed_and_diverged_trials_are_never_best() -> None:
    """Only a complete trial with a score of its own can win."""
    progress = SearchProgress(make_recipe(), 4)
    progress.take(TrialEnded(make_trial(0, "pruned", value=0.99)))
    progress.take(TrialEnded(make_trial(1, "failed")))
    progress.take(TrialEnded(make_trial(2, diverged=True, value=0.1)))
    assert progress.best is None


def test_what_was_trained_is_counted_in_epochs() -> None:
    """Of this run alone, and not what is infeasible or equals an earlier one, which costs none."""
    progress = SearchProgress(make_recipe(), 10)
    progress.take(StudyOpened(make_recipe(), 10, (make_trial(0),)))
    progress.take(TrialEnded(make_trial(1, "pruned", epochs=0, infeasible=True)))
    progress.take(TrialEnded(make_trial(2, same_as=0)))
    progress.take(TrialEnded(make_trial(3, "pruned", epochs=2)))
    progress.take(TrialStarted(4, 4, 0))
    progress.take(EpochEnded(4, 3, 0.5))
    assert (progress.epochs_ended, progress.epochs_running()) == ([2], [3])
    assert (progress.epochs_trained(), progress.n_started) == (5, 2)


def test_folds_that_are_trained_side_by_side_count_each() -> None:
    """An epoch of three folds is three; in a race a trial has one at a time, and keeps it."""
    folds = SearchProgress(make_recipe(validation="kfold", folds=3), 2)
    race = SearchProgress(make_recipe(validation="kfold", folds=3, racing=True), 2)
    for progress in (folds, race):
        progress.take(TrialStarted(0, 0, 0))
        progress.take(EpochEnded(0, 2, 0.5))
    assert (folds.epochs_trained(), race.epochs_trained()) == (6, 2)
    race.take(TrialWaiting(0))
    race.take(TrialStarted(0, 0, 0))
    race.take(EpochEnded(0, 1, 0.5))
    assert race.epochs_trained() == 3


def test_the_curve_is_the_best_so_far() -> None:
    """It never gets worse, by either metric, and pruned trials are no part of it."""
    for metric, curve in (("accuracy", [0.5, 0.5, 0.75]), ("loss", [0.5, 0.25, 0.25])):
        progress = SearchProgress(make_recipe(metric=metric), 4)
        for number, mean in enumerate((0.5, 0.25, 0.75)):
            progress.take(TrialEnded(make_trial(number, mean=mean)))
        progress.take(TrialEnded(make_trial(3, "pruned", value=0.9)))
        assert progress.curve == curve


def test_the_leader_of_a_race_is_the_best_of_the_first_fold() -> None:
    """By its best epoch, not by its last; folds earned later do not mix with it."""
    progress = SearchProgress(make_recipe(validation="kfold", folds=3, racing=True), 3)
    for number, scores in enumerate(([0.5, 0.25], [0.25, 0.375])):
        progress.take(TrialStarted(number, number, 0))
        for epoch, score in enumerate(scores, start=1):
            progress.take(EpochEnded(number, epoch, score))
        progress.take(TrialWaiting(number))
    assert progress.leader is not None
    assert (progress.leader.number, progress.curve) == (0, [0.5, 0.5])
    progress.take(FoldsEarned((0,), 3, 3))
    progress.take(TrialStarted(0, 0, 0))
    progress.take(EpochEnded(0, 1, 0.9))
    progress.take(TrialWaiting(0))
    assert progress.curve == [0.5, 0.5]


def test_a_running_trial_shows_its_newest_epoch_until_it_ends() -> None:
    """Each worker's trial is followed; a late epoch of an ended trial is passed over."""
    progress = SearchProgress(make_recipe(), 2)
    progress.take(TrialStarted(7, 7, 1))
    progress.take(EpochEnded(7, 3, 0.25))
    assert (progress.running[7].slot, progress.running[7].epoch) == (1, 3)
    progress.take(TrialEnded(make_trial(7)))
    progress.take(EpochEnded(7, 4, 0.5))
    assert progress.running == {}
