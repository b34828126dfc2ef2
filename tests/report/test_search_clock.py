"""The time of a search: when its trials ran, and not what lies between its runs."""

from dataclasses import replace

from search.report.findings.cost import search_clock
from tests.report import report_fakes as fakes
from tests.report.comparison_fakes import during, interrupted, minutes, scored


def test_trials_side_by_side_count_once() -> None:
    """Two workers for ten minutes are ten minutes of search, not twenty."""
    trials = [scored(0, 0.5, 0, 10), scored(1, 0.5, 4, 12), scored(2, 0.5, 5, 6)]
    clock = search_clock(fakes.study_record(trials))
    assert clock.total() == 12 * 60
    assert [clock.at(minutes(m)) for m in (-5, 0, 5, 12, 99)] == [0, 0, 300, 720, 720]


def test_a_pause_between_runs_does_not_count() -> None:
    """Ten minutes in the evening and ten in the morning are twenty."""
    clock = search_clock(fakes.study_record([scored(0, 0.5, 0, 10), scored(1, 0.5, 600, 610)]))
    assert clock.total() == 20 * 60
    assert clock.at(minutes(300)) == 10 * 60
    assert clock.at(minutes(605)) == 15 * 60


def test_an_interrupted_attempt_counts_to_its_last_sign_of_life() -> None:
    """It wrote a checkpoint at minute 17, which is known, when all others had ended."""
    trials = [scored(0, 0.5, 0, 15), interrupted(1, 5, 17), scored(3, 0.5, 600, 620)]
    assert search_clock(fakes.study_record(trials)).total() == (17 + 20) * 60


def test_an_attempt_without_an_end_counts_to_what_is_known_before_the_next() -> None:
    """Its next attempt began at minute 600, but the run that died last did something at 15."""
    trials = [
        scored(0, 0.5, 0, 15),
        interrupted(1, 5, None),
        interrupted(2, 15, None),
        *(replace(scored(n, 0.5, 600, 620), plan=n - 2, attempt=1) for n in (3, 4)),
    ]
    assert search_clock(fakes.study_record(trials)).total() == (15 + 20) * 60


def test_other_failures_count_to_their_end() -> None:
    """When a trial failed by itself is known."""
    failed = during(fakes.other_trial(0, "failed", reason="oom: too small"), 0, 7)
    assert search_clock(fakes.study_record([failed])).total() == 7 * 60


def test_a_running_trial_counts_as_far_as_is_known() -> None:
    """Up to the end of another one; waiting trials have no time yet."""
    trials = [
        scored(0, 0.5, 0, 9),
        during(fakes.other_trial(1, "running"), 2, None),
        fakes.other_trial(2, "waiting"),
    ]
    assert search_clock(fakes.study_record(trials)).total() == 9 * 60


def test_no_trial_no_time() -> None:
    """A study that has not begun took nothing."""
    assert search_clock(fakes.study_record([])).total() == 0


def test_a_clock_set_back_takes_no_time_away() -> None:
    """A trial that seems to end before it started counts as nothing."""
    trials = [during(scored(0, 0.5, 0, 1), 30, 10), interrupted(1, 20, 5)]
    assert search_clock(fakes.study_record(trials)).total() == 0
