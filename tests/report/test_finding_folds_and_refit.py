"""The winner's folds, its refit, and how often the test set was opened."""

from dataclasses import replace

from search.report.blocks import Paragraph, Rows, Table
from search.report.evidence import Evidence, TestedStudy
from search.report.findings.repeats import Repeats
from search.report.findings.result import TestSetAccess
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
    """Without folds there is neither a mean nor a standard deviation."""
    assert len(rows_of(hostile.evidence()).pairs) == 2


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
        tones = [one.tone for one in found.blocks() if isinstance(one, Paragraph)]
        assert ("notice" in tones) == warned


def test_trainings_that_are_refitted_have_no_test_of_their_own() -> None:
    """Their table has the validation measures only."""
    found = Repeats.of_record(baseline_fakes.crossvalidated(2).record)
    assert found is not None
    table = next(one for one in found.blocks() if isinstance(one, Table))
    assert table.header == ("Training", "Validation loss", "Validation accuracy")
    assert {len(row) for row in (*table.rows, *table.footer)} == {3}
