"""Which trials the report compares, and by what."""

import math
from dataclasses import replace

from search.report.scoring import After, comparable_trials, distinct_candidates
from search.tuning.records import TrialRecord
from tests.report import report_fakes as fakes


def _pruned(number: int, *curve: float) -> TrialRecord:
    return fakes.other_trial(
        number, "pruned", value=curve[-1], history=fakes.history([list(curve)])
    )


def test_complete_trials_are_compared_with_the_pruned_at_a_common_epoch() -> None:
    """All trials stand at the last epoch that all reached."""
    trials = [
        fakes.complete_trial(0, [0.1, 0.5, 0.9]),
        _pruned(1, 0.2, 0.3),
        fakes.other_trial(2, "failed"),
        fakes.other_trial(3, "pruned", infeasible=True),
    ]
    compared = comparable_trials(fakes.study_record(trials))
    assert [trial.number for trial in compared.trials] == [0, 1]
    assert compared.values == (0.5, 0.3)
    assert compared.after == After(epoch=2)


def test_pruned_trials_count_however_many_are_complete() -> None:
    """Who looks at survivors only cannot see what made the others bad."""
    trials = [fakes.complete_trial(i, [0.1 + i / 100, i / 40]) for i in range(30)]
    compared = comparable_trials(fakes.study_record([*trials, _pruned(99, 0.05)]))
    assert len(compared.trials) == 31
    assert compared.after == After(epoch=1)
    assert compared.values[-2:] == (0.1 + 29 / 100, 0.05)


def test_complete_trials_alone_are_compared_by_their_scores() -> None:
    trials = [fakes.complete_trial(i, [0.01, i / 20, 0.0]) for i in range(1, 4)]
    compared = comparable_trials(fakes.study_record(trials))
    assert compared.values == (1 / 20, 2 / 20, 3 / 20)
    assert compared.after is None


def test_diverged_trials_do_not_shorten_the_comparison() -> None:
    """A network that diverged in its first epoch has no figure to compare there."""
    ended = replace(_pruned(3, math.nan), state="complete", diverged=True)
    trials = [fakes.complete_trial(0, [0.1, 0.5, 0.9]), _pruned(1, 0.2, 0.3), ended]
    compared = comparable_trials(fakes.study_record(trials))
    assert [trial.number for trial in compared.trials] == [0, 1]
    assert compared.after == After(epoch=2)


def test_a_candidate_counts_once() -> None:
    """Copies of a trial, and trials of the same candidate, are no further evidence."""
    one = fakes.realistic(2).record.trials[0].candidate
    trials = [
        fakes.complete_trial(0, [0.5], candidate=one),
        fakes.complete_trial(1, [0.5], candidate=one, same_as=0),
        fakes.complete_trial(2, [0.6], candidate=one),
        fakes.complete_trial(3, [0.4]),
        replace(_pruned(4, 0.2), same_as=3),
    ]
    assert [t.number for t in distinct_candidates(reversed(trials))] == [0, 3]
    compared = comparable_trials(fakes.study_record(trials))
    assert [trial.number for trial in compared.trials] == [0, 3]
    assert compared.after is None


def test_without_a_complete_trial_nothing_is_compared() -> None:
    """A study of pruned trials alone has nothing to show yet."""
    assert comparable_trials(fakes.study_record([_pruned(0, 0.5)])).trials == ()
