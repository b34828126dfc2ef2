"""What the report says of the trials, by hand-made studies."""

from dataclasses import replace

import pytest

from search.report.info.cost import cost_facts, cost_info, top_trials
from search.report.info.curves import learning_curves_info
from search.report.info.history import optimization_history_info
from search.report.info.report import study_status
from search.report.info.winner import baseline_info, winner_info
from search.tuning.records import RefitRecord, StudyRecord, TrialRecord
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes

BASELINE = CNN_SPACE.candidate(dict(CNN_SPACE.baseline_params or {}))


def test_best_so_far_runs_over_trials_that_can_win() -> None:
    """Neither a pruned trial's last report nor a diverged trial's chance raises the best."""
    record = fakes.study_record(
        [
            fakes.other_trial(0, "pruned", value=0.9),
            fakes.complete_trial(1, [0.5, 0.6]),
            fakes.other_trial(2, "complete", value=0.95, diverged=True),
            fakes.complete_trial(3, [0.55]),
            fakes.complete_trial(4, [0.7, 0.6]),
            fakes.other_trial(5, "running"),
        ]
    )
    points = optimization_history_info(record).points
    assert [p.best for p in points] == [None, 0.6, 0.6, 0.6, 0.7]
    assert [p.value for p in points] == [0.9, 0.6, 0.95, 0.55, 0.7]
    assert [p.kind for p in points] == ["pruned", "complete", "diverged", "complete", "complete"]


def test_best_so_far_follows_the_plan() -> None:
    """The order is the plan's, so that no number of workers and no second attempt changes it."""
    first = fakes.complete_trial(0, [0.5], plan=1)
    again = fakes.complete_trial(2, [0.6], plan=0, attempt=1)
    failed = fakes.other_trial(1, "failed", plan=0)
    points = optimization_history_info(fakes.study_record([first, failed, again])).points
    assert [p.number for p in points] == [1, 2, 0]
    assert [p.best for p in points] == [None, 0.6, 0.6]


def test_best_so_far_falls_with_a_loss() -> None:
    """With the loss as the score, lower is better."""
    trials = [
        fakes.other_trial(i, "complete", value=v, mean=v, best_epoch=1)
        for i, v in enumerate([0.9, 0.7, 0.8])
    ]
    record = fakes.study_record(trials, recipe={"metric": "loss"})
    assert [p.best for p in optimization_history_info(record).points] == [0.9, 0.7, 0.7]


def test_curves_are_folds_mean_and_best_epoch() -> None:
    """The mean is over folds epoch by epoch, and E* is where it is best."""
    record = fakes.study_record([fakes.complete_trial(0, [0.2, 0.6, 0.4], [0.4, 0.6, 0.7])])
    info = learning_curves_info(record)
    assert info is not None
    assert [fold.accuracy for fold in info.parts] == [(0.2, 0.6, 0.4), (0.4, 0.6, 0.7)]
    assert info.mean.accuracy == pytest.approx((0.3, 0.6, 0.55))
    assert info.mean.loss == pytest.approx((0.7, 0.4, 0.45))
    assert info.training.accuracy == pytest.approx((0.35, 0.65, 0.6))
    assert info.best_epoch == 2
    assert info.refit is None


def test_curves_hold_the_refit_without_validation() -> None:
    """The refit has training curves alone, which the report shows as they are."""
    past = fakes.history([[0.3, 0.5]])
    record = replace(
        fakes.study_record([fakes.complete_trial(0, [0.2, 0.6])]),
        refit=RefitRecord(0, 2, past, 1.0, 1),
    )
    info = learning_curves_info(record)
    assert info is not None
    assert info.refit is not None
    assert info.refit.accuracy == pytest.approx((0.35, 0.55))


@pytest.mark.parametrize(
    ("schedule", "drops"), [("plateau", (2, 3)), ("cosine", ()), ("one_cycle", ())]
)
def test_drops_are_marked_for_plateaus_alone(schedule: str, drops: tuple[int, ...]) -> None:
    """A plateau's are the epochs that end in a fall; a smooth change of the rate has none."""
    params = dict(CNN_SPACE.baseline_params or {}) | {"schedule": schedule}
    trial = replace(
        fakes.complete_trial(0, [0.1, 0.2, 0.3, 0.4]),
        history=fakes.history([[0.1, 0.2, 0.3, 0.4]], rates=[0.1, 0.1, 0.01, 0.001]),
        candidate=CNN_SPACE.candidate(params),
    )
    info = learning_curves_info(fakes.study_record([trial]))
    assert info is not None
    assert info.drops == drops


def test_winner_gives_both_figures_at_the_best_epoch() -> None:
    """The winner's accuracy and loss are both read at E*, whichever of them is the score."""
    record = fakes.study_record([fakes.complete_trial(0, [0.2, 0.6, 0.4], [0.4, 0.7, 0.5])])
    winner = winner_info(record)
    assert winner is not None
    assert (winner.best_epoch, winner.fold_scores) == (2, (0.6, 0.7))
    assert winner.mean == pytest.approx(0.65)
    assert winner.std == pytest.approx(0.05)
    assert winner.accuracy == pytest.approx(0.65)
    assert winner.loss == pytest.approx(0.35)


def test_winner_names_what_it_changed() -> None:
    """The winner is set beside the baseline, setting by setting."""
    changed = BASELINE.model_copy(update={"batch_size": 128})
    record = fakes.study_record(
        [
            fakes.complete_trial(0, [0.5], candidate=BASELINE),
            fakes.complete_trial(1, [0.6], candidate=changed),
        ]
    )
    winner = winner_info(record)
    assert winner is not None
    assert winner.changes == (("batch_size", "64", "128"),)


@pytest.mark.parametrize(
    ("first", "outcome"),
    [
        (fakes.complete_trial(0, [0.5]), "the winner is 10.00 points better"),
        (fakes.complete_trial(0, [0.7]), "unbeaten: the winner is the baseline itself"),
        (
            fakes.other_trial(0, "pruned", value=0.1, history=fakes.history([[0.1]])),
            "pruned after 1 epoch",
        ),
        (fakes.other_trial(0, "complete", value=0.1, diverged=True), "diverged"),
    ],
)
def test_baseline_outcome(first: TrialRecord, outcome: str) -> None:
    """The report says how the winner compares, or why the baseline has no score."""
    info = baseline_info(fakes.study_record([first, fakes.complete_trial(1, [0.6])]))
    assert info is not None
    assert info.outcome == outcome


def test_no_baseline_where_none_was_queued() -> None:
    """Plan 0 is the baseline only in a study that began with one."""
    record = fakes.study_record([fakes.complete_trial(0, [0.5])], recipe={"with_baseline": False})
    assert baseline_info(record) is None


def test_cost_counts_a_resumed_trial_once() -> None:
    """Attempts at one plan index share their epochs, and untrained trials make none possible."""
    record = fakes.study_record(
        [
            fakes.complete_trial(0, [0.5] * 10),
            fakes.other_trial(1, "failed", history=fakes.history([[0.1] * 4]), seconds=5.0),
            fakes.complete_trial(2, [0.1] * 10, plan=1, attempt=1),
            fakes.other_trial(3, "pruned", history=fakes.history([[0.1] * 3]), seconds=7.0),
            fakes.other_trial(4, "complete", infeasible=True),
            fakes.other_trial(5, "waiting"),
        ]
    )
    cost = cost_info(record)
    assert dict(cost.trials) == {
        "complete": 2, "pruned": 1, "infeasible": 1, "waiting": 1,
    }  # fmt: skip
    assert cost.cut_off == 1
    assert ("attempts cut off, and begun again", "1") in cost_facts(cost)
    assert (cost.epochs_trained, cost.epochs_possible) == (23, 30)
    assert cost.trial_seconds == 60.0 + 5.0 + 60.0 + 7.0


def test_cost_counts_what_was_trained_in_vain() -> None:
    """Epochs of attempts that were lost, and those beyond a pruned curve, are told apart."""
    record = fakes.study_record(
        [
            fakes.other_trial(0, "failed", fold_epochs=4),
            fakes.complete_trial(1, [0.5] * 10, plan=0, attempt=1, fold_epochs=10),
            fakes.other_trial(2, "pruned", history=fakes.history([[0.1] * 3]), fold_epochs=5),
            fakes.other_trial(3, "pruned", history=fakes.history([[0.1] * 3])),
        ]
    )
    cost = cost_info(record)
    assert (cost.epochs_trained, cost.epochs_possible, cost.epochs_in_vain) == (16, 30, 6)
    assert ("epochs trained besides, in vain", "6") in cost_facts(cost)


def test_top_trials_are_the_ten_best() -> None:
    """The table holds complete trials alone, best first."""
    trials = [fakes.complete_trial(i, [0.1 + 0.01 * i]) for i in range(12)]
    rows = top_trials(fakes.study_record(trials))
    assert [row.number for row in rows] == list(range(11, 1, -1))
    assert [row.rank for row in rows] == list(range(1, 11))


def test_status_tells_how_far_the_search_is(kfold: fakes.Fake, unfinished: fakes.Fake) -> None:
    """An ended study needs no word; others say what is missing."""
    assert study_status(kfold.record) is None
    assert "2 of 4 trials ended" in str(study_status(unfinished.record))
    open_study: StudyRecord = replace(kfold.record, refit=None, test=None)
    assert "24 of 24 trials ended" in str(study_status(open_study))
