"""What a baseline study's own report says of its trainings."""

import statistics
from dataclasses import replace

import pytest

from search.report.evidence import Evidence, TestedStudy
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.baseline_suggestion import BaselineSuggestion
from search.report.findings.importances import Importances
from search.report.findings.repeats import RepeatFigures, Repeats
from search.report.findings.winner import SearchBaseline
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes


def test_each_training_has_its_last_epoch_and_its_test(reproduction: TestedStudy) -> None:
    """Rows follow the plan and carry the figures of the last epoch, not of the best."""
    info = Repeats.of_record(reproduction.record)
    assert info is not None
    assert [row.trial for row in info.rows] == [0, 1, 2]
    last = reproduction.record.trials[1].history.epochs[-1][0]
    row, test = info.rows[1], reproduction.record.repeats[1]
    assert row.figures.validation_loss == last.validation_loss
    assert row.figures.validation_accuracy == last.validation_accuracy
    assert (row.figures.test_accuracy, row.figures.test_loss) == (test.accuracy, test.loss)
    assert row.interval == test.interval


def test_mean_and_sample_deviation_are_over_trainings(reproduction: TestedStudy) -> None:
    """The deviation divides by n - 1, as three trainings are a sample of all seeds."""
    info = Repeats.of_record(reproduction.record)
    assert info is not None
    assert info.std is not None
    accuracies = [one.accuracy for one in reproduction.record.repeats]
    assert info.mean.test_accuracy == pytest.approx(sum(accuracies) / 3)
    assert info.std.test_accuracy == pytest.approx(statistics.stdev(accuracies))


def test_a_single_training_has_no_deviation() -> None:
    """One figure has a mean, itself, and no spread."""
    info = Repeats.of_record(baseline_fakes.reproduction(1).record)
    assert info is not None
    assert info.mean == info.rows[0].figures
    assert info.std is None


def test_trainings_without_a_test_have_no_mean_test(reproduction: TestedStudy) -> None:
    """A training added after the test waits for the next one, and the mean waits with it."""
    record = replace(reproduction.record, repeats=reproduction.record.repeats[:2])
    info = Repeats.of_record(record)
    assert info is not None
    assert info.rows[2].figures.test_accuracy is None
    assert info.mean.test_accuracy is None
    assert info.mean.validation_accuracy is not None


def test_trainings_that_ended_otherwise_are_named(reproduction: TestedStudy) -> None:
    """A training that diverged is not averaged in, and not hidden either."""
    diverged = fakes.other_trial(
        3, "complete", value=0.1, diverged=True, reason="loss is not finite"
    )
    record = replace(reproduction.record, trials=(*reproduction.record.trials, diverged))
    info = Repeats.of_record(record)
    assert info is not None
    assert len(info.rows) == 3
    assert info.others == ("trial 3 diverged: loss is not finite",)


def test_nothing_complete_gives_no_rows() -> None:
    """A study that has just begun has neither rows nor means."""
    info = Repeats.of_record(baseline_fakes.baseline_record([fakes.other_trial(0, "running")]))
    assert info is not None
    assert info.rows == ()
    nothing = dict.fromkeys(RepeatFigures.model_fields)
    assert (info.mean.model_dump(), info.std) == (nothing, None)


def test_a_search_has_no_repeats(kfold: fakes.Fake) -> None:
    """Trials of a search differ in more than their seeds."""
    assert Repeats.of_record(kfold.record) is None


def test_a_baseline_has_no_charts_of_a_search(reproduction_evidence: Evidence) -> None:
    """Trials of one point say nothing of parameters, and the baseline beats nobody."""
    evidence = reproduction_evidence
    assert evidence.once(Importances.of) is None
    assert evidence.once(SearchBaseline.of) is None
    assert evidence.once(BaselineComparison.of) is None
    assert evidence.once(BaselineSuggestion.of) is None
