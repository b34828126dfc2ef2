"""What a baseline study's own report says of its trainings."""

import statistics
from dataclasses import replace

import pytest

from search.report.evidence import TestedStudy
from search.report.findings.importances import Importances
from search.report.findings.winner import SearchBaseline
from search.report.info.curves import learning_curves_info
from search.report.info.repeats import repeats_info
from search.report.info.report import ReportInfo
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes


def test_each_training_has_its_last_epoch_and_its_test(reproduction: TestedStudy) -> None:
    """Rows follow the plan and carry the figures of the last epoch, not of the best."""
    info = repeats_info(reproduction.record)
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
    info = repeats_info(reproduction.record)
    assert info is not None
    assert info.std is not None
    accuracies = [one.accuracy for one in reproduction.record.repeats]
    assert info.mean.test_accuracy == pytest.approx(sum(accuracies) / 3)
    assert info.std.test_accuracy == pytest.approx(statistics.stdev(accuracies))


def test_a_single_training_has_no_deviation() -> None:
    """One figure has a mean, itself, and no spread."""
    info = repeats_info(baseline_fakes.reproduction(1).record)
    assert info is not None
    assert info.mean == info.rows[0].figures
    assert info.std is None


def test_trainings_without_a_test_have_no_mean_test(reproduction: TestedStudy) -> None:
    """A training added after the test waits for the next one, and the mean waits with it."""
    record = replace(reproduction.record, repeats=reproduction.record.repeats[:2])
    info = repeats_info(record)
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
    info = repeats_info(record)
    assert info is not None
    assert len(info.rows) == 3
    assert info.others == ("trial 3 diverged: loss is not finite",)


def test_nothing_complete_gives_no_rows() -> None:
    """A study that has just begun has neither rows nor means."""
    info = repeats_info(baseline_fakes.baseline_record([fakes.other_trial(0, "running")]))
    assert info is not None
    assert info.rows == ()
    assert (set(info.mean), info.std) == ({None}, None)


def test_a_search_has_no_repeats(kfold: fakes.Fake) -> None:
    """Trials of a search differ in more than their seeds."""
    assert repeats_info(kfold.record) is None


def test_curves_are_those_of_all_trainings(reproduction: TestedStudy) -> None:
    """Each training keeps its own drops, as plateaus end independently; no epoch is the best."""
    info = learning_curves_info(reproduction.record)
    assert info is not None
    assert info.repeats
    assert {curves.drops for curves in info.parts} == {(24, 33), (26, 33), (28, 33)}
    assert (info.drops, info.best_epoch, info.refit) == ((), None, None)
    column = [curves.accuracy[9] for curves in info.parts]
    assert info.mean.accuracy[9] == pytest.approx(sum(column) / 3)


def test_one_training_is_drawn_like_a_holdout() -> None:
    """Its drops are the panel's own, and its last epoch is no best epoch."""
    info = learning_curves_info(baseline_fakes.reproduction(1).record)
    assert info is not None
    assert not info.repeats
    assert (info.drops, info.best_epoch) == ((24, 33), None)


def test_a_crossvalidated_baseline_has_the_curves_of_its_folds() -> None:
    """Scored by folds, the baseline has E* and a refit like any candidate."""
    info = learning_curves_info(baseline_fakes.crossvalidated(2).record)
    assert info is not None
    assert not info.repeats
    assert (len(info.parts), info.best_epoch) == (5, 2)
    assert info.refit is not None


def test_a_baseline_has_no_charts_of_a_search(reproduction_info: ReportInfo) -> None:
    """Trials of one point say nothing of parameters, and the baseline beats nobody."""
    evidence = reproduction_info.evidence
    assert evidence.once(Importances.of) is None
    assert evidence.once(SearchBaseline.of) is None
    assert (reproduction_info.versus, reproduction_info.baseline_command) == (None, None)
