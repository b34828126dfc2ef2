"""Replaying rules over recorded curves."""

import pytest

from search.errors import UserError
from search.tuning.pruners import (
    PRUNERS,
    AshaPruner,
    HalvingPruner,
    NoPruner,
    SyncHalvingPruner,
)
from search.tuning.racing import fold_levels
from search.tuning.replay import Kept, RecordedTrial, RecordedTrials, kept, replay_all
from search.tuning.replay import recorded_trials as recorded
from tests.report import report_fakes as fakes

CURVES = [(0.5, 0.6, 0.7, 0.7), (0.1, 0.2, 0.3, 0.9), (0.6, 0.7, 0.8, 0.8), (0.2, 0.2, 0.2, 0.2)]
TRIALS = RecordedTrials(
    [RecordedTrial((curve,), seconds) for curve, seconds in zip(CURVES, (1, 2, 3, 4), strict=True)],
    baseline_first=False,
)


def test_kept_epochs_by_hand() -> None:
    """Halving by 2 from epoch 1 keeps the leaders and drops the late bloomer at once."""
    assert [one.epochs for one in kept(TRIALS, HalvingPruner(1, 2), 4, "all folds")] == [4, 1, 4, 1]
    assert [one.epochs for one in kept(TRIALS, NoPruner(), 4, "all folds")] == [4, 4, 4, 4]


def test_epochs_of_rounds_by_hand() -> None:
    """The best two of four continue from epoch 1, and the best one of these from epoch 2."""
    assert [one.epochs for one in kept(TRIALS, AshaPruner(1, 2), 4, "all folds")] == [2, 1, 4, 1]


def _folds(*scores: float) -> RecordedTrial:
    """Return a trial of two epochs whose folds end at the given scores."""
    return RecordedTrial(tuple((0.0, score) for score in scores), 1.0)


RACERS = RecordedTrials(
    [
        _folds(0.5, 0.5, 0.5, 0.5, 0.5),
        _folds(0.9, 0.1, 0.1, 0.1, 0.1),  # lucky on the first fold
        _folds(0.8, 0.7, 0.7, 0.7, 0.7),
        _folds(0.4, 0.9, 0.9, 0.9, 0.9),  # unlucky there
    ],
    baseline_first=False,
)


def test_a_race_by_hand() -> None:
    """Of four the best two get a second fold, on which the lucky one loses."""
    assert fold_levels(5) == (1, 2, 5)
    ends = kept(RACERS, NoPruner(), 2, "racing")
    assert ends == [Kept(2, 1), Kept(2, 2), Kept(2, 5), Kept(2, 1)]


def test_scorings_are_replayed_side_by_side() -> None:
    """One fold is cheapest and takes the lucky trial; racing costs less than all folds."""
    rules = {rule.name: rule for rule in replay_all(RACERS, orders=3, seed=0)}
    one, racing, every = (rules[f"none, {name}"] for name in ("one fold", "racing", "all folds"))
    assert one.epochs_share == pytest.approx(0.2)
    assert every.epochs_share == 1
    assert racing.epochs_share == pytest.approx((1 + 2 + 5 + 1) / 20)
    assert one.mean_regret == pytest.approx(0.8 - 0.26)
    assert racing.mean_regret == pytest.approx(0.8 - 0.72)
    assert every.mean_regret == 0


def test_costs_and_regrets_are_shares_of_training_everything() -> None:
    """Without pruning all is paid and nothing lost; halving here loses the late bloomer."""
    rules = {rule.name: rule for rule in replay_all(TRIALS, orders=5, seed=0)}
    none = rules["none"]
    assert (none.epochs_share, none.seconds_share) == (1, 1)
    assert (none.mean_regret, none.high_regret, none.lost_share) == (0, 0, 0)
    halving = rules["halving from 1 by 2"]
    assert halving.seconds_share < 1
    assert halving.high_regret >= halving.mean_regret == pytest.approx(0.1)
    assert halving.lost_share == 1


def test_how_often_the_best_trial_is_lost_is_a_share_of_the_orders() -> None:
    """After one epoch halving keeps the late one only if it comes right after the first trial."""
    curves = [(0.1, 0.1), (0.2, 0.9), (0.3, 0.3), (0.4, 0.4)]
    trials = RecordedTrials([RecordedTrial((curve,), 1) for curve in curves], baseline_first=False)
    orders = 200
    rules = {rule.name: rule for rule in replay_all(trials, orders, seed=0)}
    halving = rules["halving from 1 by 2"]
    assert halving.lost_share == pytest.approx(2 / 3, abs=0.1)
    assert halving.mean_regret == pytest.approx(halving.lost_share * 0.5)


def test_a_grouping_pruner_is_replayed_with_the_hand_tuned_network_whole() -> None:
    """As in a search; what was sampled first is judged like all others."""
    curves = [(0.1, 0.1), (0.2, 0.9), (0.3, 0.3)]
    trials = [RecordedTrial((curve,), 1) for curve in curves]
    for baseline_first, expected in ((True, [2, 1, 2]), (False, [1, 1, 2])):
        recorded_once = RecordedTrials(trials, baseline_first)
        ends = kept(recorded_once, SyncHalvingPruner(1), 2, "all folds")
        assert [one.epochs for one in ends] == expected


def test_the_cheapest_comes_first_and_names_differ() -> None:
    """The table is sorted by cost, and each setting stands in it once."""
    shares = [rule.seconds_share for rule in replay_all(TRIALS, orders=3, seed=0)]
    assert shares == sorted(shares)
    names = [name for pruner in PRUNERS for name, _ in pruner.variants(40, seed=0)]
    assert len(names) == len(set(names)) > 20


def test_a_pruned_study_cannot_be_replayed() -> None:
    """Only whole curves can be replayed, and the user is told how to get them."""
    trials = [
        fakes.complete_trial(0, [0.5, 0.6]),
        fakes.complete_trial(1, [0.4, 0.7]),
        fakes.other_trial(2, "pruned", value=0.1, history=fakes.history([[0.1]])),
    ]
    with pytest.raises(UserError, match="record one with `pruner` none"):
        recorded(fakes.study_record(trials))
    whole = recorded(fakes.study_record(trials[:2]))
    assert [trial.folds for trial in whole.trials] == [((0.5, 0.6),), ((0.4, 0.7),)]


def test_the_hand_tuned_network_can_be_left_out() -> None:
    """It is the first of the plan where the recipe has it; otherwise the first was sampled."""
    trials = [fakes.complete_trial(i, [0.1 * i, 0.5]) for i in range(3)]
    for with_baseline, expected in ((True, 2), (False, 3)):
        record = fakes.study_record(trials, recipe={"with_baseline": with_baseline})
        sampled = recorded(record, sampled_only=True)
        assert (len(sampled.trials), sampled.baseline_first) == (expected, False)
        everything = recorded(record)
        assert (len(everything.trials), everything.baseline_first) == (3, with_baseline)
