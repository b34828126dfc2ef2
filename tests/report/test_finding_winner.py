"""The winner and the hand-tuned candidate within the search, by hand-made studies."""

import pytest

from search.report.evidence import Evidence
from search.report.findings.winner import SearchBaseline, Winner
from search.tuning.records import TrialRecord
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes

BASELINE = CNN_SPACE.candidate(dict(CNN_SPACE.baseline_params or {}))


def test_winner_gives_both_figures_at_the_best_epoch() -> None:
    """The winner's accuracy and loss are both read at E*, whichever of them is the score."""
    record = fakes.study_record([fakes.complete_trial(0, [0.2, 0.6, 0.4], [0.4, 0.7, 0.5])])
    winner = Winner.of(fakes.evidence(record))
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
    winner = Winner.of(fakes.evidence(record))
    assert winner is not None
    (change,) = winner.changes
    assert (change.setting, change.baseline, change.winner) == ("batch_size", "64", "128")


@pytest.mark.parametrize(
    ("first", "outcome"),
    [
        (
            fakes.complete_trial(0, [0.5]),
            "the winner is 10.00 points better, beyond noise "
            "(one of two may be 1.37 points ahead by chance alone)",
        ),
        (fakes.complete_trial(0, [0.7]), "unbeaten, it is the winner itself"),
        (
            fakes.other_trial(0, "pruned", value=0.1, history=fakes.history([[0.1]])),
            "pruned after 1 epoch",
        ),
        (fakes.other_trial(0, "complete", value=0.1, diverged=True), "diverged"),
    ],
)
def test_baseline_outcome(first: TrialRecord, outcome: str) -> None:
    """The report says how the winner compares, or why the baseline has no score."""
    info = SearchBaseline.of(Evidence(fakes.study_record([first, fakes.complete_trial(1, [0.6])])))
    assert info is not None
    assert info.outcome == outcome


def test_a_winner_by_another_rule_may_score_less() -> None:
    """It is said to be worse, and not that the best of several may be ahead by chance."""
    trials = [
        fakes.complete_trial(0, [0.6], costs={"parameters": 900}),
        fakes.complete_trial(1, [0.5], costs={"parameters": 100}),
    ]
    rule = {"objective": "accuracy,parameters", "choose": "best accuracy under 500"}
    record = fakes.study_record(trials, recipe=rule)
    winner, info = record.winner(), SearchBaseline.of(Evidence(record))
    assert winner is not None
    assert winner.plan == 1
    assert info is not None
    assert info.outcome == "the winner is 10.00 points worse"


def test_no_baseline_where_none_was_queued() -> None:
    """Plan 0 is the baseline only in a study that began with one."""
    record = fakes.study_record([fakes.complete_trial(0, [0.5])], recipe={"with_baseline": False})
    assert SearchBaseline.of(Evidence(record)) is None
