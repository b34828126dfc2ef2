"""Several studies side by side: what each cost, found and gained."""

import statistics
from dataclasses import replace

import pytest

from search.errors import MachineError
from search.metric import ACCURACY
from search.report.comparison import Estimate, compare
from search.report.evidence import TestedStudy
from search.report.paired import compare_paired
from search.report.render.side_by_side import text_rows
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.comparison_fakes import compared, interrupted, search


def test_one_row_a_study_in_the_order_asked_for() -> None:
    """Names, spaces, samplers and how trials were scored."""
    records = [
        search("b", [0.5], sampler="tpe"),
        search("a", [0.5], validation="kfold", folds=3),
        search("c", [0.5], validation="kfold", racing=True),
        baseline_fakes.reproduction(1).record,
    ]
    rows = text_rows(compare([compared(record) for record in records]))
    assert [(row["study"], row["sampler"], row["validation"]) for row in rows] == [
        ("b", "tpe", "holdout 0.2"),
        ("a", "random", "3-fold"),
        ("c", "random", "5-fold, raced"),
        ("cnn-baseline-photos", "baseline", "report's split"),
    ]


def test_discarded_epochs_are_counted() -> None:
    """What a pruned trial trained beyond its verdict was paid for; older studies have histories."""
    pruned = fakes.other_trial(1, "pruned", history=fakes.history([[0.1, 0.2]]), fold_epochs=9)
    older = fakes.complete_trial(2, [0.1, 0.2], [0.1, 0.2])
    record = search("a", [0.5])
    record = replace(record, trials=(*record.trials, pruned, older, interrupted(3, 0, 1)))
    (row,) = compare([compared(record)]).rows
    assert row.epochs == 3 + 9 + 4
    assert row.trials == (("complete", 2), ("pruned", 1), ("interrupted", 1))
    assert row.seconds == 600


def test_folds_give_the_score_a_spread() -> None:
    """The winner's standard deviation over its folds; a holdout has none."""
    trial = fakes.complete_trial(0, [0.5], [0.7])
    folds = fakes.study_record([trial], recipe={"validation": "kfold", "folds": 2})
    by_folds, by_holdout = compare([compared(folds), compared(search("a", [0.5]))]).rows
    assert by_folds.score == Estimate(0.6, trial.fold_deviation, "2 folds")
    assert by_holdout.score == Estimate(0.5)


def test_a_baselines_trainings_are_averaged() -> None:
    """Mean and sample deviation of what was measured of each, not the best of them."""
    record = baseline_fakes.reproduction(3).record
    (row,) = compare([compared(record)]).rows
    accuracies = [repeat.accuracy for repeat in record.repeats]
    mean, deviation = statistics.fmean(accuracies), statistics.stdev(accuracies)
    assert row.test == Estimate(mean, deviation, "3 trainings")
    assert row.score is not None
    assert row.score.over == "3 trainings"
    assert row.score.value < max(trial.mean or 0 for trial in record.trials)


def test_a_single_training_keeps_its_interval() -> None:
    """Of one there is no deviation; the test's own interval says how sure it is."""
    record = baseline_fakes.reproduction(1).record
    (row,) = compare([compared(record)]).rows
    assert record.test is not None
    assert row.test == Estimate(record.test.accuracy, interval=record.test.interval)


@pytest.mark.slow
def test_a_study_that_has_not_ended_has_no_test_and_no_gain() -> None:
    """Its best score so far stands, and its baseline's level is drawn."""
    info = compare([compared(search("a", [0.5]), baseline_fakes.reproduction(2))])
    (row,) = info.rows
    assert (row.test, row.versus) == (None, None)
    assert row.score == Estimate(0.5)
    assert [level.study for level in info.levels] == ["cnn-baseline-photos"]
    empty = compare([compared(search("b", []))]).rows[0]
    assert (empty.score, empty.trials, empty.seconds, empty.epochs) == (None, (), 0, 0)


@pytest.mark.slow
def test_the_gain_is_paired_with_the_baselines_model() -> None:
    """The difference and its interval are those of the test images, one by one."""
    record, baseline = fakes.with_end(search("a", [0.5])), baseline_fakes.reproduction(3)
    one = compared(record, baseline)
    row = compare([one]).rows[0]
    gain = row.versus
    assert gain is not None
    assert gain.paired is not None
    assert row.baseline_test is not None
    ours, theirs = one.study.predictions, baseline.predictions
    assert ours is not None
    assert theirs is not None
    paired = compare_paired(ours.labels == ours.predictions, theirs.labels == theirs.predictions)
    assert gain.overall.gain == pytest.approx(paired.difference)
    assert gain.paired.interval == paired.interval
    assert row.baseline_test.over == "3 trainings"
    winner = baseline.record.winner()
    assert winner is not None
    assert gain.trial == winner.number


def test_without_predictions_the_gain_has_no_interval() -> None:
    """Accuracies alone still differ."""
    record = fakes.with_end(search("a", [0.5]))
    baseline = TestedStudy(baseline_fakes.reproduction(1).record)
    gain = compare([compared(record, baseline)]).rows[0].versus
    assert gain is not None
    assert gain.paired is None
    assert gain.overall.gain > 0


def test_predictions_of_another_test_are_refused() -> None:
    """They would give the difference a wrong interval."""
    record = fakes.with_end(search("a", [0.5]))
    one = compared(record, baseline_fakes.reproduction(1))
    wrong = replace(one.study, predictions=fakes.model_predictions(record, strength=1.0))
    with pytest.raises(MachineError, match="test predictions of study 'a' are not those"):
        compare([one._replace(study=wrong)])


def test_searches_have_curves_and_baselines_have_levels() -> None:
    """A baseline that is both compared and set beside a search is one level."""
    baseline = baseline_fakes.reproduction(2)
    info = compare([compared(search("a", [0.5]), baseline), compared(baseline.record)])
    assert [curve.study for curve in info.curves] == ["a"]
    assert [level.label for level in info.levels] == ["hand-tuned CNN"]
    assert info.over_time is not None
    assert [curve.study for curve in info.over_time.curves] == ["a"]


def test_mixed_metrics_are_drawn_by_accuracy() -> None:
    """Each row keeps its own metric."""
    info = compare([compared(search("a", [0.5], metric="loss")), compared(search("b", [0.5]))])
    assert info.metric == ACCURACY
    assert [row.record.recipe.metric for row in info.rows] == ["loss", "accuracy"]
