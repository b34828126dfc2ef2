"""The state of a running search, from the events that it hears."""

import pytest

from search.formatting import format_epochs, format_score, format_seconds
from search.progress import SearchProgress
from tests.search.search_fakes import make_recipe, make_trial


def test_states_are_counted_by_how_trials_ended() -> None:
    """Failed and infeasible trials are counted apart."""
    progress = SearchProgress(make_recipe(), 6)
    for number, state in enumerate(("complete", "pruned", "failed", "complete")):
        progress.ended(make_trial(number, state))
    progress.ended(make_trial(4, "pruned", infeasible=True))
    assert progress.counts == {"complete": 2, "pruned": 1, "failed": 1, "infeasible": 1}


@pytest.mark.parametrize(("sampler", "done"), [("random", 2), ("grid", 2), ("tpe", 1)])
def test_an_infeasible_point_is_done_where_the_plan_is_fixed(sampler: str, done: int) -> None:
    """TPE asks again in its place; random and grid search have one point less to train."""
    progress = SearchProgress(make_recipe(sampler=sampler), 3)
    progress.ended(make_trial(0))
    progress.ended(make_trial(1, "pruned", infeasible=True))
    progress.ended(make_trial(2, "failed"))
    assert progress.done() == done


@pytest.mark.parametrize(("metric", "best"), [("accuracy", 1), ("loss", 0)])
def test_the_best_follows_the_metric(metric: str, best: int) -> None:
    """Accuracy is best when high, loss when low."""
    progress = SearchProgress(make_recipe(metric=metric), 3)
    for number, mean in enumerate((0.3, 0.9, 0.6)):
        progress.ended(make_trial(number, mean=mean))
    assert progress.best is not None
    assert progress.best.number == best


def test_a_tie_goes_to_the_lower_plan_index() -> None:
    """The best so far is the trial that will win, whichever worker was faster."""
    progress = SearchProgress(make_recipe(), 3)
    for plan in (2, 0, 1):
        progress.ended(make_trial(plan, mean=0.5))
    assert progress.best is not None
    assert progress.best.plan == 0


def test_pruned_failed_and_diverged_trials_are_never_best() -> None:
    """Only a complete trial with a score of its own can win."""
    progress = SearchProgress(make_recipe(), 4)
    progress.ended(make_trial(0, "pruned", value=0.99))
    progress.ended(make_trial(1, "failed"))
    progress.ended(make_trial(2, diverged=True, value=0.1))
    assert progress.best is None


def test_earlier_trials_count_but_do_not_set_the_pace() -> None:
    """Time left is extrapolated from this run alone, and unknown before its first trial ended."""
    progress = SearchProgress(make_recipe(), 10, began=100.0)
    for number in range(4):
        progress.earlier(make_trial(number))
    assert progress.seconds_left(130.0) is None
    progress.ended(make_trial(4))
    progress.ended(make_trial(5))
    assert progress.seconds_left(130.0) == pytest.approx(4 * 15)


def test_no_time_is_left_when_more_is_done_than_planned() -> None:
    """A study that was run with fewer trials than it has shows no negative time."""
    progress = SearchProgress(make_recipe(), 1, began=0.0)
    for number in range(3):
        progress.ended(make_trial(number))
    assert progress.seconds_left(9.0) == 0


def test_a_running_trial_shows_its_newest_epoch_until_it_ends() -> None:
    """Each worker's trial is followed; a late epoch of an ended trial is passed over."""
    progress = SearchProgress(make_recipe(), 2)
    progress.started(7, slot=1)
    progress.epoch(7, 3, 0.25)
    assert (progress.running[7].slot, progress.running[7].epoch) == (1, 3)
    progress.ended(make_trial(7))
    progress.epoch(7, 4, 0.5)
    assert progress.running == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "?"),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (425, "7 min 05 s"),
        (3599.7, "1 h 00 min"),
        (12_059, "3 h 20 min"),
    ],
)
def test_durations_are_written_for_people(seconds: float | None, text: str) -> None:
    """Rounding never shows 60 seconds or 60 minutes."""
    assert format_seconds(seconds) == text


def test_scores_and_epochs_are_written_by_kind() -> None:
    """Accuracies are percentages, losses have four digits, one epoch is singular."""
    assert format_score(0.12345, "accuracy") == "12.35%"
    assert format_score(0.12345, "loss") == "0.1235"
    assert format_score(None, "loss") == "-"
    assert (format_epochs(1), format_epochs(2)) == ("1 epoch", "2 epochs")
