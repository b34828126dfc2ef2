"""Which trials the report compares, and by what."""

from search.report.scoring import ENOUGH_SCORED, After, comparable_trials
from search.tuning.records import TrialRecord
from tests.report import report_fakes as fakes


def _pruned(number: int, *curve: float) -> TrialRecord:
    return fakes.other_trial(
        number, "pruned", value=curve[-1], history=fakes.history([list(curve)])
    )


def test_few_complete_trials_are_compared_with_the_pruned_at_a_common_epoch() -> None:
    """Where pruning left few scores, all trials stand at the last epoch that all reached."""
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


def test_enough_complete_trials_are_compared_by_their_scores() -> None:
    """With ten scores the pruned trials are left out, and scores are never mixed with reports."""
    trials = [fakes.complete_trial(i, [0.1, i / 20]) for i in range(ENOUGH_SCORED)]
    compared = comparable_trials(fakes.study_record([*trials, _pruned(99, 0.0)]))
    assert len(compared.trials) == ENOUGH_SCORED
    assert compared.after is None
    assert compared.values[-1] == (ENOUGH_SCORED - 1) / 20


def test_without_a_complete_trial_nothing_is_compared() -> None:
    """A study of pruned trials alone has nothing to show yet."""
    assert comparable_trials(fakes.study_record([_pruned(0, 0.5)])).trials == ()
