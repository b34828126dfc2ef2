"""Replaying rules over recorded curves."""

import pytest

from search.errors import UserError
from search.study.pruning import HalvingRule, NoPruning
from search.study.replay import RecordedTrial, candidate_rules, kept_epochs, replay_all
from search.study.replay import recorded_trials as recorded
from tests.report import report_fakes as fakes

CURVES = [(0.5, 0.6, 0.7, 0.7), (0.1, 0.2, 0.3, 0.9), (0.6, 0.7, 0.8, 0.8), (0.2, 0.2, 0.2, 0.2)]
TRIALS = [
    RecordedTrial(curve, seconds) for curve, seconds in zip(CURVES, (1, 2, 3, 4), strict=True)
]


def test_kept_epochs_by_hand() -> None:
    """Halving by 2 from epoch 1 keeps the leaders and drops the late bloomer at once."""
    assert kept_epochs(TRIALS, HalvingRule(1, 2), 4) == [4, 1, 4, 1]
    assert kept_epochs(TRIALS, NoPruning(), 4) == [4, 4, 4, 4]


def test_costs_and_regrets_are_shares_of_training_everything() -> None:
    """Without pruning all is paid and nothing lost; halving here loses the late bloomer."""
    rules = {rule.name: rule for rule in replay_all(TRIALS, orders=5, seed=0)}
    none = rules["none"]
    assert (none.epochs_share, none.seconds_share) == (1, 1)
    assert (none.mean_regret, none.high_regret) == (0, 0)
    halving = rules["halving from 1 by 2"]
    assert halving.seconds_share < 1
    assert halving.high_regret >= halving.mean_regret == pytest.approx(0.1)


def test_the_cheapest_comes_first_and_names_differ() -> None:
    """The table is sorted by cost, and each setting stands in it once."""
    shares = [rule.seconds_share for rule in replay_all(TRIALS, orders=3, seed=0)]
    assert shares == sorted(shares)
    names = [name for name, _ in candidate_rules(40, seed=0)]
    assert len(names) == len(set(names)) > 20


def test_a_pruned_study_cannot_be_replayed() -> None:
    """Only whole curves can be replayed, and the user is told how to get them."""
    trials = [
        fakes.complete_trial(0, [0.5, 0.6]),
        fakes.complete_trial(1, [0.4, 0.7]),
        fakes.other_trial(2, "pruned", value=0.1, history=fakes.history([[0.1]])),
    ]
    with pytest.raises(UserError, match="record one with --pruner none"):
        recorded(fakes.study_record(trials))
    whole = recorded(fakes.study_record(trials[:2]))
    assert [trial.curve for trial in whole] == [(0.5, 0.6), (0.4, 0.7)]
