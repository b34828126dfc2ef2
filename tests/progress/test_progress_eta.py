"""The time left of a running search: the estimate first, then more and more the pace."""

from typing import Any

import pytest

from search.progress.state import Eta, SearchProgress
from search.tuning.estimate import Estimate
from search.tuning.run_events import EpochEnded, TrialEnded, TrialStarted, TrialWaiting
from search.tuning.workload import Range
from tests.fakes import make_estimate, make_recipe, make_trial


def make_eta(estimate: Estimate | None, n_planned: int = 4, timeout: float | None = None) -> Eta:
    """Return the time left of a search of one worker that began at the time 0."""
    progress = SearchProgress(make_recipe(timeout=timeout), n_planned)
    made = Eta(progress, estimate, began=0.0)
    made.update(0.0)
    return made


def train(of: Eta, number: int, epochs: int, now: float) -> None:
    """Let a trial have trained so many epochs by now."""
    if number not in of.progress.running:
        of.progress.take(TrialStarted(number, number, 0))
    of.progress.take(EpochEnded(number, epochs, 0.5))
    of.update(now)


def test_before_anything_ended_the_estimate_is_counted_down() -> None:
    """It does not stand still, and never falls below nothing."""
    one = make_eta(make_estimate(60, 100))
    assert [one.seconds_left(now) for now in (0, 30, 500)] == [80, 50, 0]


def test_a_budget_is_used_by_the_refit_and_never_exceeded() -> None:
    """The refit is as long as there is time for, however late the search ends."""
    facts: dict[str, Any] = {"refit": Range(300.0, 500.0), "within": 200.0}
    one = make_eta(make_estimate(80, 80, **facts))
    assert one.seconds_left(0.0) == 200
    for number in range(4):
        train(one, number, epochs=5, now=30.0 * (number + 1))
        one.progress.take(TrialEnded(make_trial(number)))
    one.update(120.0)
    assert one.seconds_left(120.0) == pytest.approx(80)
    short = make_eta(make_estimate(80, 80, refit=Range(20.0, 40.0), within=200.0))
    assert short.seconds_left(0.0) == 110
    late = make_eta(make_estimate(300, 300, **facts))
    assert late.seconds_left(0.0) == 300  # the search's own


def test_without_an_estimate_the_first_epoch_tells_the_pace() -> None:
    """Before it nothing is made up; then four trials of five epochs are expected."""
    one = make_eta(None)
    assert one.seconds_left(1.0) is None
    train(one, 0, epochs=1, now=2.0)
    assert one.seconds_left(2.0) == pytest.approx(19 * 2.0)


def test_epochs_of_what_runs_correct_the_estimate() -> None:
    """At half the pace that was expected, the time left moves towards the double."""
    slow, fast = make_eta(make_estimate(80, 80)), make_eta(make_estimate(80, 80))
    train(slow, 0, epochs=2, now=16.0)
    train(fast, 0, epochs=2, now=4.0)
    slow_left, fast_left = slow.seconds_left(16.0), fast.seconds_left(4.0)
    assert slow_left is not None
    assert fast_left is not None
    assert fast_left < 18 * 4.0 < slow_left < 18 * 8.0


def test_a_trial_that_outlives_the_mean_makes_no_jump() -> None:
    """Of 12 epochs a trial takes 3 in the mean: epoch by epoch it is awaited to its end."""
    recipe = make_recipe(timeout=1.0, epochs=12)
    one = Eta(SearchProgress(recipe, 9), make_estimate(12, 12, n_open=4, epochs=12.0), 0.0)
    left = []
    for epoch in range(1, 13):
        train(one, 0, epochs=epoch, now=float(1 + epoch))
        left.append(one.seconds_left(1.0 + epoch) or 0.0)
    assert left[2:] == sorted(left[2:], reverse=True)
    assert left[-1] == 0.0
    assert max(left) - left[0] < 5


def test_trials_that_are_pruned_early_shorten_the_rest() -> None:
    """What is to come is expected to be like what has ended."""
    one = make_eta(make_estimate(80, 80))
    train(one, 0, epochs=1, now=4.0)
    before = one.seconds_left(4.0)
    one.progress.take(TrialEnded(make_trial(0, "pruned", epochs=1)))
    one.update(4.0)
    after = one.seconds_left(4.0)
    assert before is not None
    assert after is not None
    assert after < before


def test_between_events_the_time_left_only_falls() -> None:
    """Second by second, whatever the pace."""
    one = make_eta(make_estimate(80, 80))
    train(one, 0, epochs=1, now=10.0)
    left = [one.seconds_left(now) or 0.0 for now in (10.0, 11.0, 20.0)]
    assert [left[0] - one for one in left] == pytest.approx([0.0, 1.0, 10.0])


def test_the_timeout_bounds_the_time_left() -> None:
    """No more is left than until it, and what is then trained takes to its end."""
    one = make_eta(make_estimate(4000, 4000), timeout=100.0)
    assert one.seconds_left(0.0) == pytest.approx(100 + 1000)
    short = make_eta(make_estimate(40, 40), timeout=100.0)
    assert short.seconds_left(0.0) == pytest.approx(40)


def test_past_the_timeout_only_what_runs_is_left() -> None:
    """One trial has two of its five epochs to come, and the two that wait will not start."""
    one = make_eta(make_estimate(80, 80), n_planned=3, timeout=10.0)
    train(one, 0, epochs=3, now=12.0)
    assert one.is_late(12.0)
    assert not one.is_late(9.0)
    assert one.seconds_left(12.0) == pytest.approx(2 * (20 + 12) / (5 + 3))


def test_the_refit_is_included() -> None:
    """It is awaited once all trials have ended."""
    one = make_eta(make_estimate(80, 80, refit=Range(10.0, 30.0)), n_planned=1)
    one.progress.take(TrialEnded(make_trial(0)))
    one.update(20.0)
    assert one.seconds_left(20.0) == pytest.approx(20.0)


def test_more_trials_than_planned_leave_no_negative_time() -> None:
    """A study that is run with fewer trials than it has is done."""
    one = make_eta(make_estimate(80, 80), n_planned=1)
    for number in range(3):
        one.progress.take(TrialEnded(make_trial(number)))
    one.update(9.0)
    assert one.seconds_left(9.0) == 0


def test_a_race_counts_the_folds_that_are_earned() -> None:
    """Of two trials with six epochs in all, five are done when one is on its last fold."""
    racing = make_recipe(validation="kfold", folds=2, racing=True, epochs=2)
    one = Eta(SearchProgress(racing, 2), make_estimate(6, 6, n_open=2, epochs=6.0), 0.0)
    for number in (0, 1):
        train(one, number, epochs=2, now=2.0 * (number + 1))
        one.progress.take(TrialWaiting(number))
    one.update(4.0)
    assert one.seconds_left(4.0) == pytest.approx(2.0)
    one.progress.take(TrialStarted(0, 0, 0))
    train(one, 0, epochs=1, now=5.0)
    assert one.seconds_left(5.0) == pytest.approx(1.0)
