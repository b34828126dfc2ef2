"""The winner's folds, its refit, and how often the test set was opened."""

from dataclasses import replace

import pytest

from search.report.blocks import Paragraph, Rows, Table, flattened
from search.report.evidence import Evidence, TestedStudy
from search.report.findings.repeats import Repeats
from search.report.findings.result import Result, TestSetAccess
from search.report.findings.winner import FoldScores, Refit
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes


def rows_of(evidence: Evidence) -> Rows:
    found = FoldScores.of(evidence)
    assert found is not None
    (rows,) = found.blocks()
    assert isinstance(rows, Rows)
    return rows


def test_each_fold_has_a_row(kfold_evidence: Evidence) -> None:
    """Then come their mean, their standard deviation and E*."""
    winner = kfold_evidence.record.winner()
    assert winner is not None
    values = [value for _, value in rows_of(kfold_evidence).pairs]
    assert values[:5] == [f"{score:.2%}" for score in winner.fold_scores]
    assert values[5] == f"{winner.mean:.2%}"
    assert values[-1] == str(winner.best_epoch)


def test_a_holdout_has_one_score(hostile: fakes.Fake) -> None:
    """It stands beside the test accuracy; there is nothing to list by fold."""
    assert FoldScores.of(hostile.evidence()) is None


def test_a_baseline_scored_after_its_last_epoch_has_no_folds(reproduction: TestedStudy) -> None:
    """Nor a refit: its trainings are tested as they are."""
    evidence = Evidence(reproduction.record)
    assert FoldScores.of(evidence) is None
    assert Refit.of(evidence) is None


def test_the_refit_is_that_of_the_winner(kfold_evidence: Evidence) -> None:
    """With its length, its time and its threads."""
    found, refit = Refit.of(kfold_evidence), kfold_evidence.record.refit
    assert found is not None
    assert refit is not None
    expected = (refit.trial, refit.epochs, refit.seconds, refit.threads)
    assert (found.trial, found.epochs, found.seconds, found.threads) == expected


def test_a_second_access_to_the_test_set_is_a_notice(kfold: fakes.Fake) -> None:
    """The first one is none."""
    for times, warned in ((1, False), (2, True)):
        record = replace(kfold.record, openings=kfold.record.openings * times)
        found = TestSetAccess.of(Evidence(record))
        assert len(found.accesses) == times
        tones = [one.tone for one in flattened(found.blocks()) if isinstance(one, Paragraph)]
        assert ("notice" in tones) == warned


def test_trainings_that_are_refitted_have_no_test_of_their_own() -> None:
    """Their table has the validation measures only."""
    found = Repeats.of_record(baseline_fakes.crossvalidated(2).record)
    assert found is not None
    table = next(one for one in flattened(found.blocks()) if isinstance(one, Table))
    assert table.header == ("Training", "Validation loss", "Validation accuracy")
    assert {len(row) for row in (*table.rows, *table.footer)} == {3}


@pytest.mark.parametrize(
    ("refit", "refit_epochs", "trained", "words"),
    [
        ("horizon", None, 10, "all 10 epochs of its schedule"),
        ("horizon", 39, 39, "all 39 epochs of its schedule (a trial’s has 10)"),
        ("one-se", 39, 37, "37 of its schedule’s 39 epochs (a trial’s has 10), up to the last"),
        ("best-epoch", None, 8, "8 of its schedule’s 10 epochs"),
    ],
)
def test_the_length_of_a_refit_is_told_by_its_schedule(
    refit: str, refit_epochs: int | None, trained: int, words: str
) -> None:
    """Which may be longer than that of a trial."""
    trial = fakes.complete_trial(0, [0.5, 0.6])
    recipe = {"refit": refit, "refit_epochs": refit_epochs}
    record = fakes.with_end(fakes.study_record([trial], recipe=recipe))
    assert record.refit is not None
    record = replace(record, refit=replace(record.refit, epochs=trained))
    found, result = Refit.of(Evidence(record)), Result.of(Evidence(record))
    assert found is not None
    assert result is not None
    assert found.rule.startswith(words)
    assert f"training images for {trained} epochs, saved" in result.sentences()[0]


def test_a_budgets_schedule_is_the_one_that_there_was_time_for() -> None:
    trial = fakes.complete_trial(3, [0.5, 0.6])
    record = fakes.study_record([trial], horizon={"trial": 3, "epochs": 31})
    assert record.refit_schedule(trial) == 31
    assert replace(record, horizon={"trial": 2, "epochs": 31}).refit_schedule(trial) == 10
